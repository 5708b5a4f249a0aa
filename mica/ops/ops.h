// All operations.
#pragma once

#include <mica/ops/activation.h>
#include <mica/ops/compare.h>
#include <mica/ops/conv.h>
#include <mica/ops/count.h>
#include <mica/ops/creation.h>
#include <mica/ops/dropout.h>
#include <mica/ops/einsum.h>
#include <mica/ops/embedding.h>
#include <mica/ops/index.h>
#include <mica/ops/join.h>
#include <mica/ops/linalg.h>
#include <mica/ops/loss.h>
#include <mica/ops/map.h>
#include <mica/ops/matmul.h>
#include <mica/ops/norm.h>
#include <mica/ops/pointwise.h>
#include <mica/ops/pool.h>
#include <mica/ops/rearrange.h>
#include <mica/ops/reduce.h>
#include <mica/ops/rounding.h>
#include <mica/ops/scan.h>
#include <mica/ops/softmax.h>
#include <mica/ops/sort.h>
#include <mica/ops/special.h>
#include <mica/ops/view.h>
