#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mica/core/error.h>
#include <mica/data/idx.h>
#include <mica/data/mnist.h>

namespace mica::data {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t side = 28;
constexpr std::int64_t classes = 10;

std::vector<fs::path> default_folders() {
  std::vector<fs::path> folders;
  if (const char* root = std::getenv("MICA_DATA_DIR"); root != nullptr && *root != '\0') {
    folders.push_back(fs::path(root) / "fashion-mnist");
  }
  folders.emplace_back("/usr/share/datasets/fashion-mnist");
  return folders;
}

// folder/name or folder/name.gz, whichever exists.
std::optional<fs::path> find_file(const fs::path& folder, const std::string& name) {
  for (const char* extension : {"", ".gz"}) {
    fs::path path = folder / (name + extension);
    std::error_code ignored;
    if (fs::exists(path, ignored)) return path;
  }
  return std::nullopt;
}

struct Files {
  fs::path images, labels;
};

// The first folder with both files.
Files find_files(const std::vector<fs::path>& folders, const std::string& stem) {
  const std::string images_name = stem + "-images-idx3-ubyte", labels_name = stem + "-labels-idx1-ubyte";
  std::string missing;
  for (const fs::path& folder : folders) {
    const auto images = find_file(folder, images_name), labels = find_file(folder, labels_name);
    if (images && labels) return {*images, *labels};
    if (!images) missing += fmt::format("\n    {}[.gz]", (folder / images_name).string());
    if (!labels) missing += fmt::format("\n    {}[.gz]", (folder / labels_name).string());
  }
  throw Error("fashion_mnist", fmt::format("these files are missing:{}", missing),
              "sudo apt-get install dataset-fashion-mnist brings them; elsewhere, put them into a folder "
              "fashion-mnist and name the folder around it in MICA_DATA_DIR");
}

void check(bool holds, const fs::path& path, const std::string& what) {
  if (holds) return;
  throw Error("fashion_mnist", fmt::format("{}: {}", path.string(), what),
              "this is not a file of Fashion-MNIST");
}

Tensor read_images(const fs::path& path) {
  const Tensor images = read_idx(path);
  check(images.dtype() == u8 && images.dim() == 3 && images.size(1) == side && images.size(2) == side, path,
        fmt::format("expected u8 images of {0} x {0}, got {1} of {2}", side, name(images.dtype()),
                    to_string(images.sizes())));
  return images.unsqueeze(1);
}

Tensor read_labels(const fs::path& path) {
  const Tensor labels = read_idx(path);
  check(labels.dtype() == u8 && labels.dim() == 1, path,
        fmt::format("expected a list of u8 labels, got {} of {}", name(labels.dtype()),
                    to_string(labels.sizes())));
  const auto values = labels.data<std::uint8_t>();
  const auto wrong =
      std::find_if(values.begin(), values.end(), [](std::uint8_t label) { return label >= classes; });
  if (wrong != values.end()) {
    check(false, path,
          fmt::format("label {} is {}, expected 0 to {}", wrong - values.begin(), *wrong, classes - 1));
  }
  return labels.to(i64);
}

}  // namespace

LabelledImages fashion_mnist(Split split, const FilePath& path) {
  const fs::path folder = path.string();
  const auto folders = folder.empty() ? default_folders() : std::vector<fs::path>{folder};
  const Files files = find_files(folders, split == Split::train ? "train" : "t10k");
  LabelledImages out{.images = read_images(files.images),
                     .labels = read_labels(files.labels),
                     .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                                     "Sneaker", "Bag", "Ankle boot"}};
  check(out.images.size(0) == out.labels.size(0), files.labels,
        fmt::format("{} labels, but {} has {} images", out.labels.size(0), files.images.string(),
                    out.images.size(0)));
  return out;
}

}  // namespace mica::data
