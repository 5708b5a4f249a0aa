#include <cstdio>

#include <CLI/CLI.hpp>
#include <examples/fashion_mnist/options.h>

namespace demo {

std::optional<int> parse_options(int argc, char** argv, Options& o) {
  CLI::App app{
      "Trains a convolutional network, written as a plain struct, on images of clothes (Fashion-MNIST) or "
      "of\n"
      "handwritten digits, and writes report.html, model.safetensors and a checkpoint after each epoch.",
      "fashion_mnist"};
  app.option_defaults()->always_capture_default();
  app.add_option("--epochs", o.epochs, "Passes over the training images")->check(CLI::Range(1, 10'000));
  app.add_option("--batch-size", o.batch_size, "Images per step")->check(CLI::Range(2, 10'000));
  app.add_option("--lr", o.lr, "Highest learning rate; it falls to zero along a cosine")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", o.seed, "Seed of the initial weights, the order of the images and dropout");
  app.add_option("--threads", o.threads, "Threads; 0 for one per core")->check(CLI::Range(0, 1024));
  app.add_option("--data", o.data, "fashion-mnist, digits (built in), or a folder with the four IDX files");
  app.add_option("--out", o.out, "Folder for what is written; made if missing");
  app.add_flag("--resume", o.resume, "Go on from the checkpoint in the --out folder, as if never stopped");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "fashion_mnist: %s (--help lists the options)\n", error.what());
    return 2;
  }
  o.program = argv[0];
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() > 0) o.given.insert(option->get_name());
  }
  return std::nullopt;
}

}  // namespace demo
