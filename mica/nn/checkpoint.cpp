#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/nn/checkpoint.h>

namespace mica::nn::detail {

ModuleRef checkpointed(const FollowedModule& module) {
  if (const auto now = module.now()) return *now;
  throw Error("checkpoint",
              fmt::format("the {} is gone that backward wants to call again", module.then().type()),
              "a checkpointed module must live until backward is done");
}

}  // namespace mica::nn::detail
