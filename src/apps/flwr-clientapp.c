/* The executor of native ClientApps: libflwr's, and nothing else. */
#include <flwr/app.h>

int main(int argc, char *argv[])
{
        return flwr_clientapp_main(argc, argv);
}
