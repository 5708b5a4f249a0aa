// All optimizers and schedules.
#pragma once

#include <mica/optim/adam.h>
#include <mica/optim/schedule.h>
#include <mica/optim/sgd.h>
