/* The executor of native ServerApps: libflwr's, and nothing else. */
#include <flwr/app.h>

int main(int argc, char *argv[])
{
        return flwr_serverapp_main(argc, argv);
}
