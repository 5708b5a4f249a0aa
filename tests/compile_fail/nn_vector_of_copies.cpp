// expect: deleted|must be constructible
#include <mica/nn/linear.h>

struct Block : mica::nn::Module {
  mica::nn::Linear fc{2, 2};
};

#ifdef MUST_FAIL
std::vector<Block> blocks(3, Block{});
#else
std::vector<Block> blocks = mica::nn::repeat(3, [] { return Block{}; });
#endif
