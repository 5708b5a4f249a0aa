// expect: undeclared identifier 'wieght_'
#include <mica/reflect/fields.h>

class Linear {
 public:
  explicit Linear(int weight) : weight_(weight) {}
#ifdef MUST_FAIL
  NN_MEMBERS(wieght_)
#else
  NN_MEMBERS(weight_)
#endif

 private:
  int weight_;
};

void visit(Linear& linear) {
  mica::reflect::for_each_field(linear, [](auto, auto&) {});
}
