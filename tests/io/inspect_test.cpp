// The page of inspect_html, as a file and in a browser.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <tests/temporary_folder.h>

#include <mica/io/inspect.h>
#include <mica/nn/nn.h>
#include <mica/ops/creation.h>

namespace mica::nn {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What the steps leave in `out`; nothing where there is no Chromium.
std::optional<json> in_browser(const ModuleRef& model, const std::string& steps) {
  const test::TemporaryFolder folder;
  inspect_html(model, folder.path() / "page.html");
  const auto script = folder.write("steps.js", R"js(
    const item = path => [...tree.querySelectorAll("li")].find(li => li.dataset.path === path);
    const click = path => item(path).querySelector(".row").click();
    const paths = () => visible().map(li => li.dataset.path);
    const key = key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    const type = text => { search.value = text; search.dispatchEvent(new Event("input")); };
    const choose = option => { filter.value = option; filter.dispatchEvent(new Event("change")); };
    const facts_in = box => Object.fromEntries([...box.querySelectorAll("dt")].map(dt => [dt.textContent, dt.nextSibling.textContent]));
  )js" + steps);
  const std::string command = std::string("python3 '" MICA_GOLDEN_DIR "/../io/inspect_page.py' '") +
                              (folder.path() / "page.html").string() + "' '" + script.string() + "' > '" +
                              (folder.path() / "out.json").string() + "'";
  const int status = std::system(command.c_str());
  if (WEXITSTATUS(status) == 77) return std::nullopt;
  if (status != 0) throw std::runtime_error("inspect_page.py failed");
  const json result = json::parse(read(folder.path() / "out.json"));
  EXPECT_TRUE(result.at("console").empty()) << result.at("console");
  return result.at("out");
}

constexpr const char* hostile = "</script><img src=x onerror=\"document.title='broken'\">&<b>";

struct Block : Module {
  int dim = 2;
  Linear fc{dim, dim};
  Dropout drop{0.1};
};
struct Net : Module {
  int depth = 3;
  std::string label = hostile;
  std::vector<Block> blocks = repeat(depth, [] { return Block{}; });
  Parameter w{tensor({1.F, 2.F, 0.F, 5.F, 0.F, std::numeric_limits<float>::quiet_NaN()})};
  Parameter twin{tied(w)};
  Buffer counts{full({2, 3}, 7, i64), transient};
  std::map<std::string, Linear> heads{};
};

Net make_net() {
  Net net;
  net.heads.emplace(hostile, Linear{2, 1});
  net.blocks[1].requires_grad_(false);
  net.blocks[2].drop.eval();
  net.w.set_grad(tensor({0.F, 0.F, 0.F, 0.F, 0.F, 3.F}));
  return net;
}

TEST(InspectHtml, IsOneFileThatNeedsNoOther) {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "model.html";
  const Net net = make_net();
  inspect_html(net, path);
  const std::string page = read(path);
  EXPECT_THAT(page, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("<title>Net</title>"));
  EXPECT_THAT(page, testing::EndsWith("</html>\n"));
  EXPECT_THAT(page, Not(HasSubstr("src=\"")));
  EXPECT_THAT(page, Not(HasSubstr("href=")));
  EXPECT_THAT(page, Not(HasSubstr("<img"))) << "names are data";
  EXPECT_EQ(folder.names().size(), 1U) << "nothing is left beside it";
}

TEST(InspectHtml, ReplacesAFileWholeOrNotAtAll) {
  const test::TemporaryFolder folder;
  const auto path = folder.write("model.html", "old");
  const Linear fc{1, 1};
  inspect_html(fc, path);
  EXPECT_THAT(read(path), HasSubstr("Linear"));
  EXPECT_THROW(inspect_html(fc, folder.path() / "missing" / "model.html"), Error);
  EXPECT_EQ(folder.names().size(), 1U);
}

TEST(InspectHtml, OpensNodesByClickAndShowsTheNumbers) {
  const Net net = make_net();
  const auto out = in_browser(net, R"js(
    out.title = document.title;
    out.first = paths();
    click("blocks");
    click("blocks.1");
    out.opened = paths();
    out.frozen = item("blocks.1").querySelector(".badge").textContent;
    click("blocks");
    out.closed = paths();
    click("w");
    const [values, grad] = item("w").querySelectorAll("figure");
    out.values = facts_in(values);
    out.grad = facts_in(grad);
    out.bars = values.querySelector("path").getAttribute("d").split("M").length - 1;
    out.row = item("twin").textContent;
    out.buffer = item("counts").textContent;
    click("heads");
    out.hostile = item("heads").querySelector(":scope > ul .name").textContent;
    out.images = document.images.length;
    out.tiles = facts_in(document.getElementById("tiles"));
  )js");
  if (!out) GTEST_SKIP() << "there is no chromium to open the page in";
  EXPECT_EQ(out->at("title"), "Net");
  EXPECT_EQ(out->at("first"), json({"", "blocks", "w", "twin", "counts", "heads"}));
  EXPECT_EQ(out->at("opened"), json({"", "blocks", "blocks.0", "blocks.1", "blocks.1.fc", "blocks.1.drop",
                                     "blocks.2", "w", "twin", "counts", "heads"}));
  EXPECT_EQ(out->at("frozen"), "frozen");
  EXPECT_EQ(out->at("closed"), out->at("first"));
  EXPECT_EQ(out->at("values"), json({{"mean", "1.6"},
                                     {"std", "2.074"},
                                     {"min", "0"},
                                     {"max", "5"},
                                     {"zeros", "2"},
                                     {"not finite", "1"},
                                     {"elements", "6"},
                                     {"memory", "24 B"}}));
  EXPECT_EQ(out->at("grad").at("max"), "3");
  EXPECT_EQ(out->at("grad").at("zeros"), "5");
  EXPECT_EQ(out->at("bars"), 4);
  EXPECT_THAT(out->at("row").get<std::string>(), HasSubstr("tied to w"));
  EXPECT_THAT(out->at("buffer").get<std::string>(), HasSubstr("[2, 3] i64 transient buffer"));
  EXPECT_EQ(out->at("hostile"), hostile);
  EXPECT_EQ(out->at("images"), 0);
  EXPECT_EQ(out->at("tiles").at("Parameters"), "27in 9 tensors, 108 B");
  EXPECT_EQ(out->at("tiles").at("Trainable"), "2177.8 %");
  EXPECT_EQ(out->at("tiles").at("Not finite"), "1values and gradients");
}

TEST(InspectHtml, SearchesPathsAndTypes) {
  const Net net = make_net();
  const auto out = in_browser(net, R"js(
    type("fc WEIGHT");
    out.words = paths();
    out.found = found.textContent;
    click("blocks.2.fc.weight");
    out.shape = item("blocks.2.fc.weight").textContent;
    type("dropout");
    out.types = paths();
    type("nothing like it");
    out.nothing = tree.textContent;
    type("");
    choose("frozen");
    out.frozen = paths();
    choose("nograd");
    out.count = visible().length;
    choose("buffer");
    out.buffers = paths();
    choose("");
    out.all = paths();
  )js");
  if (!out) GTEST_SKIP() << "there is no chromium to open the page in";
  EXPECT_EQ(out->at("words"), json({"blocks.0.fc.weight", "blocks.1.fc.weight", "blocks.2.fc.weight"}));
  EXPECT_EQ(out->at("found"), "3 matches");
  EXPECT_THAT(out->at("shape").get<std::string>(),
              testing::AllOf(HasSubstr("[2, 2] f32"), HasSubstr("mean")));
  EXPECT_EQ(out->at("types"), json({"blocks.0.drop", "blocks.1.drop", "blocks.2.drop"}));
  EXPECT_EQ(out->at("nothing"), "Nothing matches.");
  EXPECT_EQ(out->at("frozen"), json({"blocks.1.fc.weight", "blocks.1.fc.bias"}));
  EXPECT_EQ(out->at("count"), 6);
  EXPECT_EQ(out->at("buffers"), json({"counts"}));
  EXPECT_EQ(out->at("all").size(), 6U);
}

TEST(InspectHtml, WorksByKeyboard) {
  const Net net = make_net();
  const auto out = in_browser(net, R"js(
    const at = () => document.activeElement.dataset.path ?? document.activeElement.id;
    key("/");
    out.slash = at();
    key("ArrowDown");
    key("ArrowDown");
    out.down = at();
    key("ArrowRight");
    key("ArrowRight");
    out.inside = at();
    out.level = document.activeElement.getAttribute("aria-level");
    key("ArrowLeft");
    key("ArrowLeft");
    out.closed = [at(), document.activeElement.getAttribute("aria-expanded")];
    key("End");
    out.end = at();
    key("Home");
    key("Enter");
    out.folded = paths();
    out.stops = tree.querySelectorAll('[tabindex="0"]').length;
    type("drop");
    key("Escape");
    out.cleared = search.value;
  )js");
  if (!out) GTEST_SKIP() << "there is no chromium to open the page in";
  EXPECT_EQ(out->at("slash"), "search");
  EXPECT_EQ(out->at("down"), "blocks");
  EXPECT_EQ(out->at("inside"), "blocks.0");
  EXPECT_EQ(out->at("level"), "3");
  EXPECT_EQ(out->at("closed"), json({"blocks", "false"}));
  EXPECT_EQ(out->at("end"), "heads");
  EXPECT_EQ(out->at("folded"), json({""}));
  EXPECT_EQ(out->at("stops"), 1) << "one stop of the Tab key in the whole tree";
  EXPECT_EQ(out->at("cleared"), "");
}

struct Many : Module {
  std::vector<Linear> layers = repeat(5000, [] { return Linear{4, 4}; });
};

TEST(InspectHtml, IsQuickWithTenThousandParameters) {
  const Many net;
  const test::TemporaryFolder folder;
  inspect_html(net, folder.path() / "many.html");
  EXPECT_LT(std::filesystem::file_size(folder.path() / "many.html"), 5'000'000U);
  const auto out = in_browser(net, R"js(
    const began = performance.now();
    click("layers");
    out.rows = tree.querySelectorAll("li").length;
    tree.querySelector(".more > .row").click();
    out.more = tree.querySelectorAll("li").length;
    type("4321 bias");
    out.hit = paths();
    type("weight");
    out.hits = [found.textContent, tree.querySelectorAll("li").length];
    out.milliseconds = performance.now() - began;
  )js");
  if (!out) GTEST_SKIP() << "there is no chromium to open the page in";
  EXPECT_EQ(out->at("rows"), 2 + 200 + 1);
  EXPECT_EQ(out->at("more"), 2 + 400 + 1);
  EXPECT_EQ(out->at("hit"), json({"layers.4321.bias"}));
  EXPECT_EQ(out->at("hits"), json({"5,000 matches", 201}));
  EXPECT_LT(out->at("milliseconds").get<double>(), 5000) << "a few hundred on an idle machine";
}

}  // namespace
}  // namespace mica::nn
