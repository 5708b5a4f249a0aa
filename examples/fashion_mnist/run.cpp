#include <algorithm>

#include <examples/fashion_mnist/run.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace demo {

namespace {

constexpr std::int64_t epoch_columns = 7;
constexpr const char* format_name = "fashion_mnist checkpoint 1";

nlohmann::json to_json(const Options& o) {
  return {{"--epochs", o.epochs}, {"--batch-size", o.batch_size}, {"--lr", o.lr},
          {"--seed", o.seed},     {"--threads", o.threads},       {"--data", o.data}};
}

io::SafetensorsFile read(const Options& options) {
  const auto path = checkpoint_path(options);
  if (!std::filesystem::exists(path)) {
    throw Error("resume", fmt::format("there is no checkpoint at {}", path.string()),
                "run once without --resume, with the same --out");
  }
  io::SafetensorsFile file = io::read_safetensors(path);
  if (file.metadata["kind"] != format_name) {
    throw Error("resume", fmt::format("{} is no checkpoint of this program", path.string()));
  }
  return file;
}

Tensor doubles(const std::vector<double>& values) { return from_vector(values); }

StateDict to_state(const Run& run) {
  std::vector<double> rows;
  for (const Report::Epoch& e : run.epochs) {
    rows.insert(rows.end(), {static_cast<double>(e.epoch), e.train_loss, e.train_accuracy, e.test_loss,
                             e.test_accuracy, e.learning_rate, e.seconds});
  }
  StateDict state;
  state.insert("counts", from_vector(std::vector<std::int64_t>{run.epoch, run.batch, run.correct, run.seen}));
  state.insert("sums", doubles({run.loss_sum, run.seconds}));
  state.insert("epochs", from_vector(rows, {static_cast<std::int64_t>(run.epochs.size()), epoch_columns}));
  state.insert("step_losses", doubles(run.step_losses));
  return state;
}

Run from_state(const StateDict& state) {
  const auto counts = state.at("counts").to_vector<std::int64_t>();
  const auto sums = state.at("sums").to_vector<double>();
  const Tensor& epochs = state.at("epochs");
  if (counts.size() != 4 || sums.size() != 2 || epochs.dim() != 2 || epochs.size(1) != epoch_columns ||
      *std::min_element(counts.begin(), counts.end()) < 0 || epochs.size(0) != counts[0]) {
    throw Error("resume", "the checkpoint's record of the run is damaged");
  }
  Run run{.epoch = counts[0],
          .batch = counts[1],
          .loss_sum = sums[0],
          .correct = counts[2],
          .seen = counts[3],
          .seconds = sums[1],
          .epochs = {},
          .step_losses = state.at("step_losses").to_vector<double>()};
  for (std::int64_t i = 0; i < epochs.size(0); ++i) {
    const auto row = epochs[i].to_vector<double>();
    run.epochs.push_back({static_cast<int>(row[0]), row[1], row[2], row[3], row[4], row[5], row[6]});
  }
  return run;
}

}  // namespace

void Run::count(const Tensor& loss, const Tensor& logits, const Tensor& labels) {
  step_losses.push_back(loss.item());
  loss_sum += loss.item() * static_cast<double>(labels.numel());
  correct += (logits.argmax(1) == labels).sum().item<std::int64_t>();
  seen += labels.numel();
  batch += 1;
}

std::string Run::status() const {
  return fmt::format("loss {:.4f}  accuracy {:5.2f} %", mean_loss(), 100 * accuracy());
}

void Run::start_epoch(std::int64_t number) {
  epoch = number;
  batch = correct = seen = 0;
  loss_sum = seconds = 0;
}

std::filesystem::path checkpoint_path(const Options& options) {
  return options.out / "checkpoint.safetensors";
}

void save_checkpoint(const Options& options, const Net& net, const optim::Optimizer& optimizer,
                     const optim::LRScheduler& schedule, const Run& run) {
  const auto words = default_generator().state();
  StateDict state;
  state.insert_all("model.", net.state_dict());
  state.insert_all("optimizer.", optimizer.state_dict());
  state.insert_all("schedule.", schedule.state_dict());
  state.insert_all("run.", to_state(run));
  state.insert("random", from_vector(std::vector<std::int64_t>(words.begin(), words.end())));
  io::write_safetensors(checkpoint_path(options), state,
                        {{"kind", format_name}, {"options", to_json(options).dump()}});
}

void restore_options(Options& options) {
  const io::SafetensorsFile file = read(options);
  nlohmann::json saved;
  try {
    saved = nlohmann::json::parse(file.metadata.at("options"));
    const nlohmann::json current = to_json(options);
    for (const auto& [name, value] : saved.items()) {
      if (options.given.contains(name) && current.at(name) != value) {
        throw Error("resume",
                    fmt::format("the checkpoint was made with {} {}, not {}", name, value.dump(),
                                current.at(name).dump()),
                    fmt::format("leave out {}, or start anew without --resume", name));
      }
    }
    options.epochs = saved.at("--epochs");
    options.batch_size = saved.at("--batch-size");
    options.lr = saved.at("--lr");
    options.seed = saved.at("--seed");
    options.threads = saved.at("--threads");
    options.data = saved.at("--data");
  } catch (const nlohmann::json::exception&) {
    throw Error("resume", fmt::format("the options in {} are damaged", checkpoint_path(options).string()));
  }
}

Run load_checkpoint(const Options& options, Net& net, optim::Optimizer& optimizer,
                    optim::LRScheduler& schedule) {
  const StateDict state = read(options).tensors;
  const Run run = from_state(state.with_prefix("run."));
  const auto words = state.at("random").to_vector<std::int64_t>();
  optimizer.load_state_dict(state.with_prefix("optimizer."));
  schedule.load_state_dict(state.with_prefix("schedule."));
  net.load_state_dict(state.with_prefix("model."));
  default_generator().set_state(std::vector<std::uint64_t>(words.begin(), words.end()));
  return run;
}

}  // namespace demo
