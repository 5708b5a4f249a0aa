#include <iostream>

#include <mica/core/error.h>
#include <mica/core/shape.h>

int main() {
  const mica::Shape shape = mica::broadcast_shapes({4, 1}, {3}, "consumer");
  std::cout << mica::to_string(shape) << '\n';
  try {
    mica::broadcast_shapes({4}, {3}, "consumer");
  } catch (const mica::Error& error) {
    return shape == mica::Shape{4, 3} && error.operation() == "consumer" ? 0 : 1;
  }
  return 1;
}
