// All of Mica that most programs use.
#pragma once

#include <mica/autograd/autocast.h>
#include <mica/autograd/checkpoint.h>
#include <mica/autograd/dot.h>
#include <mica/autograd/engine.h>
#include <mica/autograd/function.h>
#include <mica/autograd/functional.h>
#include <mica/autograd/grad_mode.h>
#include <mica/autograd/hooks.h>
#include <mica/core/error.h>
#include <mica/core/parallel.h>
#include <mica/core/random.h>
#include <mica/data/data.h>
#include <mica/io/inspect.h>
#include <mica/io/model.h>
#include <mica/nn/nn.h>
#include <mica/ops/ops.h>
#include <mica/optim/optim.h>
#include <mica/tensor/print.h>
#include <mica/tensor/tensor.h>
