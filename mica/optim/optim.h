// All optimizers and schedules.
#pragma once

#include <mica/optim/adadelta.h>
#include <mica/optim/adafactor.h>
#include <mica/optim/adagrad.h>
#include <mica/optim/adam.h>
#include <mica/optim/adamax.h>
#include <mica/optim/asgd.h>
#include <mica/optim/lbfgs.h>
#include <mica/optim/lr_chain.h>
#include <mica/optim/lr_cycle.h>
#include <mica/optim/lr_decay.h>
#include <mica/optim/lr_plateau.h>
#include <mica/optim/muon.h>
#include <mica/optim/nadam.h>
#include <mica/optim/radam.h>
#include <mica/optim/rmsprop.h>
#include <mica/optim/rprop.h>
#include <mica/optim/sgd.h>
