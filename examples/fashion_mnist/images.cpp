#include <filesystem>

#include <examples/fashion_mnist/images.h>
#include <fmt/format.h>

#include <mica/mica.h>

namespace demo {

using namespace mica;

Images load_images(const std::string& source) {
  Images out;
  if (source == "digits") {
    out.title = "Handwritten digits (UCI)";
    out.train = data::digits(data::Split::train);
    out.test = data::digits(data::Split::test);
    out.test_pixels = (out.test.images * 255.0).to(u8);
    return out;
  }
  if (source != "fashion-mnist" && !std::filesystem::is_directory(source)) {
    throw Error("data", fmt::format("\"{}\" is neither fashion-mnist nor digits nor a folder", source));
  }
  const std::filesystem::path folder = source == "fashion-mnist" ? "" : source;
  out.title = folder.empty() ? "Fashion-MNIST" : source;
  out.train = data::fashion_mnist(data::Split::train, folder);
  out.test = data::fashion_mnist(data::Split::test, folder);
  out.test_pixels = out.test.images;
  for (data::LabelledImages* part : {&out.train, &out.test}) {
    part->images = data::to_float(part->images, data::fashion_mnist_mean, data::fashion_mnist_std);
  }
  return out;
}

}  // namespace demo
