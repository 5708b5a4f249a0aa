// Which dtypes operations choose under Autocast: those that they choose in torch (golden/autocast.json).
#include <functional>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <mica/nn/attention.h>
#include <mica/nn/recurrent.h>
#include <mica/nn/recurrent_cell.h>
#include <mica/ops/autocast.h>
#include <mica/ops/ops.h>

#include "../golden/golden.h"

namespace mica {
namespace {

Tensor f32_operand(const Shape& sizes) { return randn(sizes); }

// The operands of a call, f32 or bf16.
struct Operands {
  DType dtype;
  Tensor operator()(const Shape& sizes) const { return randn(sizes).to(dtype); }
};
using Call = std::function<Tensor(const Operands&)>;

const auto numbers = [](const Shape& sizes) { return zeros(sizes, i64); };
const Tensor two_classes = from_vector(std::vector<std::int64_t>{0, 1});

Tensor interpolated(const Tensor& x, std::int64_t size, InterpolationMode mode) {
  return interpolate(x, {.size = {size}, .mode = mode});
}
Tensor padded(const Tensor& x, PadMode mode, std::size_t sides) {
  return pad(x, std::vector<std::int64_t>(sides, 1), {.mode = mode});
}
// Layers are called as lvalues.
template <class Layer> auto called(Layer layer, const Tensor& x) { return layer(x); }
Tensor unpool_index() { return from_vector(std::vector<std::int64_t>{0, 2}); }

const std::map<std::string, Call>& calls() {
  static const std::map<std::string, Call> all = {
      // products
      {"conv1d", [](auto& t) { return conv1d(t({2, 3, 8}), t({4, 3, 3})); }},
      {"conv2d", [](auto& t) { return conv2d(t({2, 3, 8, 8}), t({4, 3, 3, 3})); }},
      {"conv3d", [](auto& t) { return conv3d(t({2, 3, 8, 8, 8}), t({4, 3, 3, 3, 3})); }},
      {"conv_transpose1d", [](auto& t) { return conv_transpose1d(t({2, 3, 8}), t({3, 4, 3}), t({4})); }},
      {"conv_transpose2d", [](auto& t) { return conv_transpose2d(t({2, 3, 8, 8}), t({3, 4, 3, 3})); }},
      {"mm", [](auto& t) { return mm(t({3, 3}), t({3, 3})); }},
      {"bmm", [](auto& t) { return bmm(t({2, 3, 3}), t({2, 3, 3})); }},
      {"matmul", [](auto& t) { return matmul(t({3, 3}), t({3, 3})); }},
      {"matmul_vec", [](auto& t) { return matmul(t({3, 3}), t({3})); }},
      {"matmul_dot", [](auto& t) { return matmul(t({3}), t({3})); }},
      {"mv", [](auto& t) { return mv(t({3, 3}), t({3})); }},
      {"dot", [](auto& t) { return dot(t({3}), t({3})); }},
      {"outer", [](auto& t) { return outer(t({3}), t({3})); }},
      {"addmm", [](auto& t) { return addmm(t({3, 3}), t({3, 3}), t({3, 3})); }},
      {"addmv", [](auto& t) { return addmv(t({3}), t({3, 3}), t({3})); }},
      {"baddbmm", [](auto& t) { return baddbmm(t({2, 3, 3}), t({2, 3, 3}), t({2, 3, 3})); }},
      {"linear", [](auto& t) { return linear(t({2, 3}), t({4, 3}), t({4})); }},
      {"bilinear", [](auto& t) { return bilinear(t({2, 3}), t({2, 3}), t({4, 3, 3})); }},
      {"einsum", [](auto& t) { return einsum("ij,jk->ik", {t({2, 3}), t({3, 3})}); }},
      {"tensordot", [](auto& t) { return tensordot(t({2, 3}), t({3, 3}), 1); }},
      {"prelu", [](auto& t) { return prelu(t({2, 3}), t({3})); }},
      {"affine_grid", [](auto& t) { return affine_grid(t({2, 2, 3}), {2, 3, 4, 4}); }},
      {"linalg_matrix_power", [](auto& t) { return linalg::matrix_power(t({3, 3}), 3); }},
      {"sdpa",
       [](auto& t) { return scaled_dot_product_attention(t({2, 3, 4}), t({2, 3, 4}), t({2, 3, 4})); }},
      {"mha",
       [](auto& t) {
         nn::MultiheadAttention layer{4, 2};
         return std::get<0>(layer(t({3, 2, 4}), t({3, 2, 4}), t({3, 2, 4})));
       }},
      // recurrent layers
      {"lstm", [](auto& t) { return called(nn::LSTM{3, 4}, t({5, 2, 3})).first; }},
      {"lstm_h", [](auto& t) { return called(nn::LSTM{3, 4}, t({5, 2, 3})).second.first; }},
      {"lstm_c", [](auto& t) { return called(nn::LSTM{3, 4}, t({5, 2, 3})).second.second; }},
      {"gru", [](auto& t) { return called(nn::GRU{3, 4}, t({5, 2, 3})).first; }},
      {"rnn", [](auto& t) { return called(nn::RNN{3, 4}, t({5, 2, 3})).first; }},
      {"lstm_cell", [](auto& t) { return called(nn::LSTMCell{3, 4}, t({2, 3})).first; }},
      {"lstm_cell_c", [](auto& t) { return called(nn::LSTMCell{3, 4}, t({2, 3})).second; }},
      {"gru_cell", [](auto& t) { return called(nn::GRUCell{3, 4}, t({2, 3})); }},
      {"rnn_cell", [](auto& t) { return called(nn::RNNCell{3, 4}, t({2, 3})); }},
      // norms
      {"softmax", [](auto& t) { return softmax(t({2, 3}), -1); }},
      {"log_softmax", [](auto& t) { return log_softmax(t({2, 3}), -1); }},
      {"layer_norm", [](auto& t) { return layer_norm(t({2, 3}), {3}); }},
      {"layer_norm_f32w",
       [](auto& t) { return layer_norm(t({2, 3}), {3}, f32_operand({3}), f32_operand({3})); }},
      {"batch_norm_f32w",
       [](auto& t) {
         return batch_norm(t({4, 3}), zeros({3}), ones({3}), f32_operand({3}), f32_operand({3}),
                           {.training = true});
       }},
      {"batch_norm_eval_f32w",
       [](auto& t) {
         return batch_norm(t({4, 3}), zeros({3}), ones({3}), f32_operand({3}), f32_operand({3}));
       }},
      {"group_norm", [](auto& t) { return group_norm(t({2, 4, 3}), 2); }},
      {"group_norm_f32w",
       [](auto& t) { return group_norm(t({2, 4, 3}), 2, f32_operand({4}), f32_operand({4})); }},
      {"instance_norm_f32w",
       [](auto& t) { return instance_norm(t({2, 4, 3}), {}, {}, f32_operand({4}), f32_operand({4})); }},
      {"local_response_norm", [](auto& t) { return local_response_norm(t({2, 4, 3}), 2); }},
      // pooling
      {"avg_pool1d", [](auto& t) { return avg_pool1d(t({2, 3, 8}), 2); }},
      {"avg_pool2d", [](auto& t) { return avg_pool2d(t({2, 3, 8, 8}), 2); }},
      {"avg_pool3d", [](auto& t) { return avg_pool3d(t({2, 3, 8, 8, 8}), 2); }},
      {"max_pool1d", [](auto& t) { return max_pool1d(t({2, 3, 8}), 2); }},
      {"max_pool2d", [](auto& t) { return max_pool2d(t({2, 3, 8, 8}), 2); }},
      {"max_pool3d", [](auto& t) { return max_pool3d(t({2, 3, 8, 8, 8}), 2); }},
      {"adaptive_avg_pool1d", [](auto& t) { return adaptive_avg_pool1d(t({2, 3, 8}), 2); }},
      {"adaptive_avg_pool2d", [](auto& t) { return adaptive_avg_pool2d(t({2, 3, 8, 8}), 2); }},
      {"adaptive_avg_pool3d", [](auto& t) { return adaptive_avg_pool3d(t({2, 3, 8, 8, 8}), 2); }},
      {"adaptive_max_pool1d", [](auto& t) { return adaptive_max_pool1d(t({2, 3, 8}), 2); }},
      {"adaptive_max_pool2d", [](auto& t) { return adaptive_max_pool2d(t({2, 3, 8, 8}), 2); }},
      {"adaptive_max_pool3d", [](auto& t) { return adaptive_max_pool3d(t({2, 3, 8, 8, 8}), 2); }},
      {"fractional_max_pool2d",
       [](auto& t) { return fractional_max_pool2d(t({2, 3, 8, 8}), 2, {.output_size = {4}}); }},
      {"fractional_max_pool3d",
       [](auto& t) { return fractional_max_pool3d(t({2, 3, 8, 8, 8}), 2, {.output_size = {4}}); }},
      {"lp_pool1d", [](auto& t) { return lp_pool1d(t({2, 3, 8}), 2, 2); }},
      {"lp_pool2d", [](auto& t) { return lp_pool2d(t({2, 3, 8, 8}), 2, 2); }},
      {"max_unpool1d", [](auto& t) { return max_unpool1d(t({1, 1, 2}), unpool_index().view({1, 1, 2}), 2); }},
      {"max_unpool2d",
       [](auto& t) { return max_unpool2d(t({1, 1, 1, 2}), unpool_index().view({1, 1, 1, 2}), 2); }},
      {"max_unpool3d",
       [](auto& t) { return max_unpool3d(t({1, 1, 1, 1, 2}), unpool_index().view({1, 1, 1, 1, 2}), 2); }},
      // images
      {"interpolate_nearest2",
       [](auto& t) { return interpolated(t({2, 3, 4, 4}), 8, InterpolationMode::nearest); }},
      {"interpolate_linear",
       [](auto& t) { return interpolated(t({2, 3, 4}), 8, InterpolationMode::linear); }},
      {"interpolate_bilinear",
       [](auto& t) { return interpolated(t({2, 3, 4, 4}), 8, InterpolationMode::bilinear); }},
      {"interpolate_bicubic",
       [](auto& t) { return interpolated(t({2, 3, 4, 4}), 8, InterpolationMode::bicubic); }},
      {"interpolate_trilinear",
       [](auto& t) { return interpolated(t({2, 3, 4, 4, 4}), 8, InterpolationMode::trilinear); }},
      {"interpolate_area", [](auto& t) { return interpolated(t({2, 3, 4, 4}), 2, InterpolationMode::area); }},
      {"grid_sample", [](auto& t) { return grid_sample(t({2, 3, 4, 4}), t({2, 2, 2, 2})); }},
      {"grid_sample3", [](auto& t) { return grid_sample(t({2, 3, 4, 4, 4}), t({2, 2, 2, 2, 3})); }},
      {"pad_constant", [](auto& t) { return padded(t({2, 3, 4}), PadMode::constant, 2); }},
      {"pad_reflect1", [](auto& t) { return padded(t({2, 3, 4}), PadMode::reflect, 2); }},
      {"pad_reflect2", [](auto& t) { return padded(t({2, 3, 4, 4}), PadMode::reflect, 4); }},
      {"pad_reflect3", [](auto& t) { return padded(t({2, 3, 4, 4, 4}), PadMode::reflect, 6); }},
      {"pad_replicate1", [](auto& t) { return padded(t({2, 3, 4}), PadMode::replicate, 2); }},
      {"pad_replicate2", [](auto& t) { return padded(t({2, 3, 4, 4}), PadMode::replicate, 4); }},
      {"pad_replicate3", [](auto& t) { return padded(t({2, 3, 4, 4, 4}), PadMode::replicate, 6); }},
      {"pad_circular", [](auto& t) { return padded(t({2, 3, 4}), PadMode::circular, 2); }},
      {"unfold", [](auto& t) { return unfold(t({2, 3, 4, 4}), 2); }},
      {"fold", [](auto& t) { return fold(t({2, 12, 9}), {4, 4}, 2); }},
      {"pixel_shuffle", [](auto& t) { return pixel_shuffle(t({2, 4, 4, 4}), 2); }},
      // losses
      {"mse_loss", [](auto& t) { return mse_loss(t({3}), t({3})); }},
      {"l1_loss", [](auto& t) { return l1_loss(t({3}), t({3})); }},
      {"smooth_l1_loss", [](auto& t) { return smooth_l1_loss(t({3}), t({3})); }},
      {"huber_loss", [](auto& t) { return huber_loss(t({3}), t({3})); }},
      {"cross_entropy", [](auto& t) { return cross_entropy(t({2, 3}), two_classes); }},
      {"cross_entropy_prob", [](auto& t) { return cross_entropy(t({2, 3}), t({2, 3})); }},
      {"cross_entropy_smooth",
       [](auto& t) { return cross_entropy(t({2, 3}), two_classes, {.label_smoothing = 0.1}); }},
      {"nll_loss", [](auto& t) { return nll_loss(t({2, 3}), two_classes); }},
      {"nll_loss_w", [](auto& t) { return nll_loss(t({2, 3}), two_classes, {.weight = t({3})}); }},
      {"nll_loss2d", [](auto& t) { return nll_loss(t({2, 3, 2, 2}), numbers({2, 2, 2})); }},
      {"binary_cross_entropy", [](auto& t) { return binary_cross_entropy(sigmoid(t({3})), ones({3})); }},
      {"binary_cross_entropy_with_logits",
       [](auto& t) { return binary_cross_entropy_with_logits(t({3}), ones({3})); }},
      {"kl_div",
       [](auto& t) { return kl_div(t({2, 3}), abs(t({2, 3})), {.reduction = Reduction::batchmean}); }},
      {"ctc_loss",
       [](auto& t) {
         return ctc_loss(t({5, 2, 4}), ones({2, 2}, i64), {5, 5}, std::vector<std::int64_t>{2, 2});
       }},
      {"poisson_nll_loss", [](auto& t) { return poisson_nll_loss(t({3}), t({3})); }},
      {"gaussian_nll_loss", [](auto& t) { return gaussian_nll_loss(t({3}), t({3}), abs(t({3}))); }},
      {"cosine_embedding_loss",
       [](auto& t) { return cosine_embedding_loss(t({2, 3}), t({2, 3}), ones({2})); }},
      {"hinge_embedding_loss", [](auto& t) { return hinge_embedding_loss(t({3}), ones({3})); }},
      {"margin_ranking_loss", [](auto& t) { return margin_ranking_loss(t({3}), t({3}), ones({3})); }},
      {"soft_margin_loss", [](auto& t) { return soft_margin_loss(t({3}), ones({3})); }},
      {"triplet_margin_loss", [](auto& t) { return triplet_margin_loss(t({2, 3}), t({2, 3}), t({2, 3})); }},
      {"triplet_margin_with_distance_loss",
       [](auto& t) { return triplet_margin_with_distance_loss(t({2, 3}), t({2, 3}), t({2, 3})); }},
      {"multi_margin_loss", [](auto& t) { return multi_margin_loss(t({2, 3}), two_classes); }},
      {"multilabel_margin_loss", [](auto& t) { return multilabel_margin_loss(t({2, 3}), numbers({2, 3})); }},
      {"multilabel_soft_margin_loss",
       [](auto& t) { return multilabel_soft_margin_loss(t({2, 3}), ones({2, 3})); }},
      // distances and reductions
      {"cdist", [](auto& t) { return cdist(t({2, 3}), t({2, 3})); }},
      {"pairwise_distance", [](auto& t) { return pairwise_distance(t({2, 3}), t({2, 3})); }},
      {"cosine_similarity", [](auto& t) { return cosine_similarity(t({2, 3}), t({2, 3})); }},
      {"normalize", [](auto& t) { return normalize(t({2, 3})); }},
      {"norm", [](auto& t) { return t({3}).norm(); }},
      {"prod", [](auto& t) { return t({3}).prod(); }},
      {"prod_dim", [](auto& t) { return t({3, 3}).prod(0); }},
      {"sum", [](auto& t) { return t({3}).sum(); }},
      {"mean", [](auto& t) { return t({3}).mean(); }},
      {"var", [](auto& t) { return t({3}).var(); }},
      {"cumsum", [](auto& t) { return t({3}).cumsum(0); }},
      {"cumprod", [](auto& t) { return t({3}).cumprod(0); }},
      {"logsumexp", [](auto& t) { return t({3}).logsumexp(0); }},
      {"quantile", [](auto& t) { return quantile(t({3}), 0.5); }},
      // linear algebra
      {"linalg_inv", [](auto& t) { return linalg::inv(t({3, 3})); }},
      {"linalg_solve", [](auto& t) { return linalg::solve(t({3, 3}), t({3, 3})); }},
      {"linalg_svd", [](auto& t) { return linalg::svd(t({3, 3})).u; }},
      {"linalg_svdvals", [](auto& t) { return linalg::svdvals(t({3, 3})); }},
      {"linalg_qr", [](auto& t) { return linalg::qr(t({3, 3})).q; }},
      {"linalg_eigh", [](auto& t) { return linalg::eigh(t({3, 3})).values; }},
      {"linalg_eigvalsh", [](auto& t) { return linalg::eigvalsh(t({3, 3})); }},
      {"linalg_lstsq", [](auto& t) { return linalg::lstsq(t({3, 3}), t({3, 3})).solution; }},
      {"linalg_matrix_rank", [](auto& t) { return linalg::matrix_rank(t({3, 3})); }},
      {"pinverse", [](auto& t) { return linalg::pinv(t({3, 3})); }},
      {"linalg_matrix_exp", [](auto& t) { return linalg::matrix_exp(t({3, 3})); }},
      {"linalg_norm", [](auto& t) { return linalg::norm(t({3, 3})); }},
      {"linalg_matrix_norm", [](auto& t) { return linalg::matrix_norm(t({3, 3})); }},
      // those that promote, and those that take what they get
      {"cat", [](auto& t) { return cat({t({3}), f32_operand({3})}); }},
      {"stack", [](auto& t) { return stack({t({3}), f32_operand({3})}); }},
      {"index_copy", [](auto& t) { return t({3}).index_copy(0, numbers({1}), f32_operand({1})); }},
      {"add", [](auto& t) { return t({3}) + f32_operand({3}); }},
      {"relu", [](auto& t) { return relu(t({3})); }},
      {"gelu", [](auto& t) { return gelu(t({3})); }},
      {"exp", [](auto& t) { return exp(t({3})); }},
      {"embedding", [](auto& t) { return embedding(numbers({1}), t({3, 4})); }},
  };
  return all;
}

// What torch does there by accident of how it is composed: a grid in bf16 cannot tell the pixels of a large
// image apart.
const std::map<std::string, std::string> on_purpose = {{"affine_grid", "f32"}};

// Runs the same on the same numbers.
Tensor run(const Call& call, DType dtype) {
  manual_seed(5);
  return call({dtype});
}

TEST(AutocastOps, ChooseTheDTypesOfPyTorch) {
  const nlohmann::json golden = golden::read("autocast.json");
  EXPECT_EQ(golden.size(), calls().size());
  for (const auto& [operation, dtypes] : golden.items()) {
    SCOPED_TRACE(operation);
    ASSERT_TRUE(calls().contains(operation));
    const Autocast autocast;
    for (std::size_t i = 0; i < 2; ++i) {
      const DType given = i == 0 ? f32 : bf16;
      const auto other = i == 0 ? on_purpose.find(operation) : on_purpose.end();
      EXPECT_EQ(name(run(calls().at(operation), given).dtype()),
                other == on_purpose.end() ? dtypes[i].get<std::string>() : other->second)
          << "of " << name(given);
    }
  }
}

// Outside, nothing of that happens; inside, numbers differ by the rounding of operands and results alone.
TEST(AutocastOps, AreAsAccurateAsTheirDType) {
  for (const auto& [operation, call] : calls()) {
    SCOPED_TRACE(operation);
    const Tensor exact = run(call, f32);
    if (!exact.is_floating_point()) continue;
    EXPECT_EQ(exact.dtype(), f32);
    Tensor inside;
    {
      const Autocast autocast;
      inside = run(call, f32);
    }
    ASSERT_EQ(inside.sizes(), exact.sizes());
    const double scale = abs(exact).max().item<double>();
    const double error = abs(inside.to(f32) - exact).max().item<double>();
    if (inside.dtype() == f32)
      EXPECT_EQ(error, 0);  // not touched
    else
      EXPECT_LE(error, 0.04 * scale);
  }
}

// What is cast to f32 is computed there, not rounded on the way.
TEST(AutocastOps, OfF32GiveTheNumbersOfF32ForNarrowOperands) {
  const Tensor x = randn({4, 3}).to(bf16), y = randn({4, 3}).to(bf16);
  const Tensor expected = mse_loss(x.to(f32), y.to(f32));
  const Autocast autocast;
  EXPECT_EQ(mse_loss(x, y).item<float>(), expected.item<float>());
}

TEST(AutocastOps, TakeMixedOperandsWhereTheyChoose) {
  const Autocast autocast;
  const Tensor x = randn({2, 3}).to(bf16), w = randn({4, 3});
  EXPECT_EQ(linear(x, w, randn({4})).dtype(), bf16);
  EXPECT_EQ(conv1d(randn({1, 3, 5}).to(bf16), randn({2, 3, 2})).dtype(), bf16);
  EXPECT_EQ(einsum("ij,kj->ik", {x, w}).dtype(), bf16);
  EXPECT_EQ(mse_loss(x, randn({2, 3})).dtype(), f32);
  EXPECT_EQ(nll_loss(x, two_classes, {.weight = rand({3}).to(bf16)}).dtype(), f32);
  EXPECT_EQ(binary_cross_entropy_with_logits(x, ones({2, 3}), {.pos_weight = rand({3}).to(bf16)}).dtype(),
            f32);
  EXPECT_EQ(prelu(x, full({1}, 0.25)).dtype(), bf16);
  EXPECT_EQ(matmul(x.to(f16), w.t()).dtype(), bf16);
}

TEST(AutocastOps, LeaveF64AndIntegersAlone) {
  const Autocast autocast;
  EXPECT_EQ(matmul(randn({2, 3}, f64), randn({3, 2}, f64)).dtype(), f64);
  EXPECT_EQ(matmul(ones({2, 3}, i64), ones({3, 2}, i64)).dtype(), i64);
  EXPECT_EQ(mse_loss(randn({2}, f64), randn({2}, f64)).dtype(), f64);
  nn::LSTM layer{3, 4};
  layer.to(f64);
  EXPECT_EQ(layer(randn({5, 2, 3}, f64)).first.dtype(), f64);
}

// Layers that come after a product see its bf16, and weights of f32.
TEST(AutocastOps, RecurrentLayersTakeNarrowInputsAndKeepTheDTypeOfAState) {
  manual_seed(2);
  nn::LSTM lstm{3, 4, {.num_layers = 2}};
  nn::GRU gru{3, 4};
  const Tensor x = randn({5, 2, 3}).to(bf16), h = randn({1, 2, 4});
  const Tensor expected = lstm(x.to(f32)).first;
  Tensor y;
  {
    const Autocast autocast;
    y = lstm(x).first;
    EXPECT_EQ(gru(x, h).second.dtype(), f32);
    EXPECT_EQ(gru(x, h.to(bf16)).second.dtype(), bf16);
    const PackedSequence packed = pack_padded_sequence(x, {5, 3});
    EXPECT_EQ(lstm(packed).first.data.dtype(), bf16);
  }
  EXPECT_EQ(y.dtype(), bf16);
  EXPECT_LE(abs(y.to(f32) - expected).max().item<double>(), 0.01);
  y.to(f32).sum().backward();
  for (const Tensor& p : lstm.parameters()) EXPECT_EQ(p.grad().dtype(), f32);
}

}  // namespace
}  // namespace mica
