// Datasets and loading.
#pragma once

#include <mica/data/dataset.h>
#include <mica/data/digits.h>
#include <mica/data/idx.h>
#include <mica/data/images.h>
#include <mica/data/loader.h>
#include <mica/data/mnist.h>
#include <mica/data/transforms.h>
