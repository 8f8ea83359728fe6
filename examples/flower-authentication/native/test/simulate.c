/* simulate [FOLDER] [NODES] [ROUNDS] [RATE] - the example's federated averaging in one process: what the
 * real thing must reproduce, and how fast the network is. Prints one line a round. */
#include <time.h>

#include "training.h"

#define SEED 42
#define BATCH 32

static int train_round(
        Trainer *t, const char *folder, unsigned nodes, unsigned round, float rate, float *global)
{
        _cleanup_free_ double *sum = NULL;
        double total = 0;

        sum = calloc(CNN_PARAMETERS, sizeof(*sum));
        if (!sum)
                return -ENOMEM;
        for (unsigned i = 1; i <= nodes; i++) {
                _cleanup_dataset_ Dataset d = {};
                TrainingConfig config = {
                        .seed = SEED, .round = round, .partition = i, .epochs = 1, .learning_rate = rate};
                char path[4096];
                double loss;
                int r;

                snprintf(path, sizeof(path), "%s/cifar10_part_%u", folder, i);
                memcpy(cnn_parameters(t->cnn), global, CNN_PARAMETERS * sizeof(*global));
                if ((r = dataset_load(path, "train.bin", &d)) < 0 ||
                        (r = trainer_fit(t, &d, &config, &loss)) < 0)
                        return r;
                for (size_t k = 0; k < CNN_PARAMETERS; k++)
                        sum[k] += (double) d.n * cnn_parameters(t->cnn)[k];
                total += (double) d.n;
        }
        for (size_t k = 0; k < CNN_PARAMETERS; k++)
                global[k] = (float) (sum[k] / total);
        return 0;
}

static int evaluate(Trainer *t, const char *folder, unsigned nodes, const float *global, double *ret_loss,
        double *ret_accuracy)
{
        double loss = 0, accuracy = 0, total = 0;

        memcpy(cnn_parameters(t->cnn), global, CNN_PARAMETERS * sizeof(*global));
        for (unsigned i = 1; i <= nodes; i++) {
                _cleanup_dataset_ Dataset d = {};
                char path[4096];
                double l, a;
                int r;

                snprintf(path, sizeof(path), "%s/cifar10_part_%u", folder, i);
                r = dataset_load(path, "test.bin", &d);
                if (r < 0)
                        return r;
                trainer_evaluate(t, &d, &l, &a);
                loss += l * (double) d.n;
                accuracy += a * (double) d.n;
                total += (double) d.n;
        }
        *ret_loss = loss / total;
        *ret_accuracy = accuracy / total;
        return 0;
}

static int run(const char *folder, unsigned nodes, unsigned rounds, float rate)
{
        _cleanup_trainer_ Trainer t = {};
        _cleanup_free_ float *global = NULL;
        double loss, accuracy;
        int r;

        global = calloc(CNN_PARAMETERS, sizeof(*global));
        if (!global)
                return -ENOMEM;
        r = trainer_init(&t, BATCH);
        if (r < 0)
                return r;
        cnn_init(global, SEED);
        for (unsigned round = 1; round <= rounds; round++) {
                if ((r = train_round(&t, folder, nodes, round, rate, global)) < 0 ||
                        (r = evaluate(&t, folder, nodes, global, &loss, &accuracy)) < 0)
                        return r;
                printf("round %u: loss %.17g accuracy %.17g, %.1f s of processor time\n", round, loss,
                        accuracy, (double) clock() / CLOCKS_PER_SEC);
        }
        return 0;
}

int main(int argc, char *argv[])
{
        int r = run(argc > 1 ? argv[1] : "datasets", argc > 2 ? (unsigned) atoi(argv[2]) : 2,
                argc > 3 ? (unsigned) atoi(argv[3]) : 10, argc > 4 ? (float) atof(argv[4]) : 0.01f);

        if (r < 0)
                fprintf(stderr, "simulate: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
