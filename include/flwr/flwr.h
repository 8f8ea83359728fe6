/* Everything of libflwr. */
#ifndef FLWR_FLWR_H
#define FLWR_FLWR_H
#include <flwr/app.h>
#include <flwr/base.h>
#include <flwr/fedavg.h>
#include <flwr/grid.h>
#include <flwr/message.h>
#include <flwr/record.h>
#endif
