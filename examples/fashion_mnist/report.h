// The report of a training run: one HTML page to look at, and tables for the terminal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace demo {

// Everything the report shows. Any list may be empty; its section then says so. Losses may be NaN or
// infinite.
struct Report {
  struct Epoch {
    int epoch = 0;
    double train_loss = 0, train_accuracy = 0;  // accuracies from 0 to 1
    double test_loss = 0, test_accuracy = 0;
    double learning_rate = 0;
    double seconds = 0;
  };

  // A test image that the model got wrong.
  struct Mistake {
    std::vector<std::uint8_t> pixels;  // (height, width), row by row, 0 is black
    int width = 0, height = 0;
    int truth = 0, predicted = 0;  // class indices
    double confidence = 0;         // the probability given to the wrong class
  };

  // One module of the model and those inside it.
  struct Node {
    std::string name, type, detail;  // "fc1", "Linear", "in_features=784, out_features=256"
    std::int64_t parameters = 0;     // of this module and all below
    std::vector<Node> children;
  };

  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  // what was run: dataset, threads, seed, options
  std::vector<Epoch> epochs;
  std::vector<double> step_losses;  // training loss of every step; thinned out for drawing
  std::vector<std::string> class_names;
  std::vector<std::vector<std::int64_t>> confusion;  // confusion[truth][predicted]
  std::vector<Mistake> mistakes;                     // worst first
  Node model;
  std::string model_text;  // the model as it prints itself
};

// The whole report as one page: no other files, no network, light and dark.
std::string render_html(const Report& report);

// Writes render_html(report) to `path`: either the whole page is there afterwards, or what was there before.
// Throws std::runtime_error with the path and the system's reason.
void write_report(const Report& report, const std::filesystem::path& path);

// Precision, recall and F1 of each class, and the confusion matrix, as aligned plain text.
std::string text_tables(const Report& report);

}  // namespace demo
