// All modules.
#pragma once

#include <mica/nn/activation.h>
#include <mica/nn/attention.h>
#include <mica/nn/checkpoint.h>
#include <mica/nn/conv.h>
#include <mica/nn/diff.h>
#include <mica/nn/dropout.h>
#include <mica/nn/embedding.h>
#include <mica/nn/flatten.h>
#include <mica/nn/functional_call.h>
#include <mica/nn/init.h>
#include <mica/nn/lazy.h>
#include <mica/nn/linear.h>
#include <mica/nn/lint.h>
#include <mica/nn/losses.h>
#include <mica/nn/module.h>
#include <mica/nn/norm.h>
#include <mica/nn/parametrizations.h>
#include <mica/nn/pooling.h>
#include <mica/nn/prune.h>
#include <mica/nn/recurrent.h>
#include <mica/nn/recurrent_cell.h>
#include <mica/nn/sequential.h>
#include <mica/nn/stacked_state.h>
#include <mica/nn/summary.h>
#include <mica/nn/transformer.h>
