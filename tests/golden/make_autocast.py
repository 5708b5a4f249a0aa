"""Dtypes of results under torch.autocast("cpu", dtype=torch.bfloat16): writes autocast.json beside this file.

Each operation runs on operands of f32 and of bf16, made by t(sizes); f32(sizes) are operands that are f32 both times.
What PyTorch 1.13 refuses or does otherwise than versions from 2.3 on is in NEWER, from their documentation
(https://pytorch.org/docs/stable/amp.html, CPU op-specific behaviour) and their mixed-dtype norms.

Made with PyTorch 1.13 (CPU): python3 make_autocast.py
"""

import json
import pathlib
import warnings

import torch
import torch.nn.functional as F

NAMES = {torch.float32: "f32", torch.bfloat16: "bf16", torch.int64: "i64"}
NEWER = {
    "conv_transpose1d": ["bf16", "bf16"],
    "conv_transpose2d": ["bf16", "bf16"],
    "prelu": ["bf16", "bf16"],
    "layer_norm_f32w": ["f32", "bf16"],
    "group_norm_f32w": ["f32", "bf16"],
}


def f32(*sizes):
    return torch.randn(*sizes)


def bf16(*sizes):
    return torch.randn(*sizes).to(torch.bfloat16)


CASES = {
    "conv1d": lambda t: F.conv1d(t(2, 3, 8), t(4, 3, 3)),
    "conv2d": lambda t: F.conv2d(t(2, 3, 8, 8), t(4, 3, 3, 3)),
    "conv3d": lambda t: F.conv3d(t(2, 3, 8, 8, 8), t(4, 3, 3, 3, 3)),
    "conv_transpose1d": lambda t: F.conv_transpose1d(t(2, 3, 8), t(3, 4, 3)),
    "conv_transpose2d": lambda t: F.conv_transpose2d(t(2, 3, 8, 8), t(3, 4, 3, 3)),
    "mm": lambda t: torch.mm(t(3, 3), t(3, 3)),
    "bmm": lambda t: torch.bmm(t(2, 3, 3), t(2, 3, 3)),
    "matmul": lambda t: torch.matmul(t(3, 3), t(3, 3)),
    "matmul_vec": lambda t: torch.matmul(t(3, 3), t(3)),
    "matmul_dot": lambda t: torch.matmul(t(3), t(3)),
    "mv": lambda t: torch.mv(t(3, 3), t(3)),
    "dot": lambda t: torch.dot(t(3), t(3)),
    "outer": lambda t: torch.outer(t(3), t(3)),
    "addmm": lambda t: torch.addmm(t(3, 3), t(3, 3), t(3, 3)),
    "addmv": lambda t: torch.addmv(t(3), t(3, 3), t(3)),
    "baddbmm": lambda t: torch.baddbmm(t(2, 3, 3), t(2, 3, 3), t(2, 3, 3)),
    "linear": lambda t: F.linear(t(2, 3), t(4, 3), t(4)),
    "bilinear": lambda t: F.bilinear(t(2, 3), t(2, 3), t(4, 3, 3)),
    "einsum": lambda t: torch.einsum("ij, jk->ik", t(2, 3), t(3, 3)),
    "tensordot": lambda t: torch.tensordot(t(2, 3), t(3, 3), 1),
    "prelu": lambda t: F.prelu(t(2, 3), t(3)),
    "softmax": lambda t: F.softmax(t(2, 3), -1),
    "log_softmax": lambda t: F.log_softmax(t(2, 3), -1),
    "layer_norm": lambda t: F.layer_norm(t(2, 3), (3, )),
    "layer_norm_f32w": lambda t: F.layer_norm(t(2, 3), (3, ), f32(3), f32(3)),
    "batch_norm_f32w": lambda t: F.batch_norm(t(4, 3), torch.zeros(3), torch.ones(3), f32(3), f32(3), True),
    "batch_norm_eval_f32w": lambda t: F.batch_norm(t(4, 3), torch.zeros(3), torch.ones(3), f32(3), f32(3), False),
    "group_norm": lambda t: F.group_norm(t(2, 4, 3), 2),
    "group_norm_f32w": lambda t: F.group_norm(t(2, 4, 3), 2, f32(4), f32(4)),
    "instance_norm_f32w": lambda t: F.instance_norm(t(2, 4, 3), weight=f32(4), bias=f32(4)),
    "avg_pool1d": lambda t: F.avg_pool1d(t(2, 3, 8), 2),
    "avg_pool2d": lambda t: F.avg_pool2d(t(2, 3, 8, 8), 2),
    "avg_pool3d": lambda t: F.avg_pool3d(t(2, 3, 8, 8, 8), 2),
    "max_pool1d": lambda t: F.max_pool1d(t(2, 3, 8), 2),
    "max_pool2d": lambda t: F.max_pool2d(t(2, 3, 8, 8), 2),
    "max_pool3d": lambda t: F.max_pool3d(t(2, 3, 8, 8, 8), 2),
    "adaptive_avg_pool1d": lambda t: F.adaptive_avg_pool1d(t(2, 3, 8), 2),
    "adaptive_avg_pool2d": lambda t: F.adaptive_avg_pool2d(t(2, 3, 8, 8), 2),
    "adaptive_avg_pool3d": lambda t: F.adaptive_avg_pool3d(t(2, 3, 8, 8, 8), 2),
    "adaptive_max_pool1d": lambda t: F.adaptive_max_pool1d(t(2, 3, 8), 2),
    "adaptive_max_pool2d": lambda t: F.adaptive_max_pool2d(t(2, 3, 8, 8), 2),
    "adaptive_max_pool3d": lambda t: F.adaptive_max_pool3d(t(2, 3, 8, 8, 8), 2),
    "fractional_max_pool2d": lambda t: F.fractional_max_pool2d(t(2, 3, 8, 8), 2, output_ratio=0.5),
    "fractional_max_pool3d": lambda t: F.fractional_max_pool3d(t(2, 3, 8, 8, 8), 2, output_ratio=0.5),
    "lp_pool1d": lambda t: F.lp_pool1d(t(2, 3, 8), 2, 2),
    "lp_pool2d": lambda t: F.lp_pool2d(t(2, 3, 8, 8), 2, 2),
    "max_unpool1d": lambda t: F.max_unpool1d(t(2, 3, 4), torch.arange(0, 8, 2).expand(2, 3, 4), 2),
    "max_unpool2d": lambda t: F.max_unpool2d(t(1, 1, 1, 2), torch.tensor([[[[0, 2]]]]), 2),
    "max_unpool3d": lambda t: F.max_unpool3d(t(1, 1, 1, 1, 2), torch.tensor([[[[[0, 2]]]]]), 2),
    "interpolate_nearest2": lambda t: F.interpolate(t(2, 3, 4, 4), 8),
    "interpolate_linear": lambda t: F.interpolate(t(2, 3, 4), 8, mode="linear"),
    "interpolate_bilinear": lambda t: F.interpolate(t(2, 3, 4, 4), 8, mode="bilinear"),
    "interpolate_bicubic": lambda t: F.interpolate(t(2, 3, 4, 4), 8, mode="bicubic"),
    "interpolate_trilinear": lambda t: F.interpolate(t(2, 3, 4, 4, 4), 8, mode="trilinear"),
    "interpolate_area": lambda t: F.interpolate(t(2, 3, 4, 4), 2, mode="area"),
    "grid_sample": lambda t: F.grid_sample(t(2, 3, 4, 4), t(2, 2, 2, 2)),
    "grid_sample3": lambda t: F.grid_sample(t(2, 3, 4, 4, 4), t(2, 2, 2, 2, 3)),
    "affine_grid": lambda t: F.affine_grid(t(2, 2, 3), [2, 3, 4, 4]),
    "pad_constant": lambda t: F.pad(t(2, 3, 4), (1, 1)),
    "pad_reflect1": lambda t: F.pad(t(2, 3, 4), (1, 1), mode="reflect"),
    "pad_reflect2": lambda t: F.pad(t(2, 3, 4, 4), (1, 1, 1, 1), mode="reflect"),
    "pad_reflect3": lambda t: F.pad(t(2, 3, 4, 4, 4), (1, 1, 1, 1, 1, 1), mode="reflect"),
    "pad_replicate1": lambda t: F.pad(t(2, 3, 4), (1, 1), mode="replicate"),
    "pad_replicate2": lambda t: F.pad(t(2, 3, 4, 4), (1, 1, 1, 1), mode="replicate"),
    "pad_replicate3": lambda t: F.pad(t(2, 3, 4, 4, 4), (1, 1, 1, 1, 1, 1), mode="replicate"),
    "pad_circular": lambda t: F.pad(t(2, 3, 4), (1, 1), mode="circular"),
    "mse_loss": lambda t: F.mse_loss(t(3), t(3)),
    "l1_loss": lambda t: F.l1_loss(t(3), t(3)),
    "smooth_l1_loss": lambda t: F.smooth_l1_loss(t(3), t(3)),
    "huber_loss": lambda t: F.huber_loss(t(3), t(3)),
    "cross_entropy": lambda t: F.cross_entropy(t(2, 3), torch.tensor([0, 1])),
    "cross_entropy_prob": lambda t: F.cross_entropy(t(2, 3), t(2, 3)),
    "cross_entropy_smooth": lambda t: F.cross_entropy(t(2, 3), torch.tensor([0, 1]), label_smoothing=.1),
    "nll_loss": lambda t: F.nll_loss(t(2, 3), torch.tensor([0, 1])),
    "nll_loss_w": lambda t: F.nll_loss(t(2, 3), torch.tensor([0, 1]), weight=t(3)),
    "nll_loss2d": lambda t: F.nll_loss(t(2, 3, 2, 2), torch.zeros(2, 2, 2, dtype=torch.long)),
    "binary_cross_entropy": lambda t: F.binary_cross_entropy(t(3).sigmoid(), torch.ones(3)),
    "binary_cross_entropy_with_logits": lambda t: F.binary_cross_entropy_with_logits(t(3), torch.ones(3)),
    "kl_div": lambda t: F.kl_div(t(2, 3), t(2, 3), reduction="batchmean"),
    "ctc_loss": lambda t: F.ctc_loss(t(5, 2, 4), torch.ones(2, 2, dtype=torch.long), torch.tensor([5, 5]),
                                     torch.tensor([2, 2])),
    "poisson_nll_loss": lambda t: F.poisson_nll_loss(t(3), t(3)),
    "gaussian_nll_loss": lambda t: F.gaussian_nll_loss(t(3), t(3), t(3).abs()),
    "cosine_embedding_loss": lambda t: F.cosine_embedding_loss(t(2, 3), t(2, 3), torch.ones(2)),
    "hinge_embedding_loss": lambda t: F.hinge_embedding_loss(t(3), torch.ones(3)),
    "margin_ranking_loss": lambda t: F.margin_ranking_loss(t(3), t(3), torch.ones(3)),
    "soft_margin_loss": lambda t: F.soft_margin_loss(t(3), torch.ones(3)),
    "triplet_margin_loss": lambda t: F.triplet_margin_loss(t(2, 3), t(2, 3), t(2, 3)),
    "triplet_margin_with_distance_loss": lambda t: F.triplet_margin_with_distance_loss(t(2, 3), t(2, 3), t(2, 3)),
    "multi_margin_loss": lambda t: F.multi_margin_loss(t(2, 3), torch.tensor([0, 1])),
    "multilabel_margin_loss": lambda t: F.multilabel_margin_loss(t(2, 3), torch.zeros(2, 3, dtype=torch.long)),
    "multilabel_soft_margin_loss": lambda t: F.multilabel_soft_margin_loss(t(2, 3), torch.ones(2, 3)),
    "cdist": lambda t: torch.cdist(t(2, 3), t(2, 3)),
    "pairwise_distance": lambda t: F.pairwise_distance(t(2, 3), t(2, 3)),
    "cosine_similarity": lambda t: F.cosine_similarity(t(2, 3), t(2, 3)),
    "normalize": lambda t: F.normalize(t(2, 3)),
    "norm": lambda t: t(3).norm(),
    "prod": lambda t: torch.prod(t(3)),
    "prod_dim": lambda t: torch.prod(t(3, 3), 0),
    "sum": lambda t: t(3).sum(),
    "mean": lambda t: t(3).mean(),
    "var": lambda t: t(3).var(),
    "cumsum": lambda t: t(3).cumsum(0),
    "cumprod": lambda t: t(3).cumprod(0),
    "logsumexp": lambda t: t(3).logsumexp(0),
    "quantile": lambda t: torch.quantile(t(3), 0.5),
    "linalg_inv": lambda t: torch.linalg.inv(t(3, 3)),
    "linalg_solve": lambda t: torch.linalg.solve(t(3, 3), t(3, 3)),
    "linalg_svd": lambda t: torch.linalg.svd(t(3, 3))[0],
    "linalg_svdvals": lambda t: torch.linalg.svdvals(t(3, 3)),
    "linalg_qr": lambda t: torch.linalg.qr(t(3, 3))[0],
    "linalg_eigh": lambda t: torch.linalg.eigh(t(3, 3))[0],
    "linalg_eigvalsh": lambda t: torch.linalg.eigvalsh(t(3, 3)),
    "linalg_lstsq": lambda t: torch.linalg.lstsq(t(3, 3), t(3, 3))[0],
    "linalg_matrix_rank": lambda t: torch.linalg.matrix_rank(t(3, 3)),
    "pinverse": lambda t: torch.pinverse(t(3, 3)),
    "linalg_matrix_exp": lambda t: torch.matrix_exp(t(3, 3)),
    "linalg_matrix_power": lambda t: torch.linalg.matrix_power(t(3, 3), 3),
    "linalg_norm": lambda t: torch.linalg.norm(t(3, 3)),
    "linalg_matrix_norm": lambda t: torch.linalg.matrix_norm(t(3, 3)),
    "cat": lambda t: torch.cat([t(3), f32(3)]),
    "stack": lambda t: torch.stack([t(3), f32(3)]),
    "index_copy": lambda t: t(3).index_copy(0, torch.tensor([0]), f32(1)),
    "add": lambda t: t(3)+f32(3),
    "relu": lambda t: F.relu(t(3)),
    "gelu": lambda t: F.gelu(t(3)),
    "exp": lambda t: t(3).exp(),
    "lstm": lambda t: torch.nn.LSTM(3, 4)(t(5, 2, 3))[0],
    "lstm_h": lambda t: torch.nn.LSTM(3, 4)(t(5, 2, 3))[1][0],
    "lstm_c": lambda t: torch.nn.LSTM(3, 4)(t(5, 2, 3))[1][1],
    "gru": lambda t: torch.nn.GRU(3, 4)(t(5, 2, 3))[0],
    "rnn": lambda t: torch.nn.RNN(3, 4)(t(5, 2, 3))[0],
    "lstm_cell": lambda t: torch.nn.LSTMCell(3, 4)(t(2, 3))[0],
    "lstm_cell_c": lambda t: torch.nn.LSTMCell(3, 4)(t(2, 3))[1],
    "gru_cell": lambda t: torch.nn.GRUCell(3, 4)(t(2, 3)),
    "rnn_cell": lambda t: torch.nn.RNNCell(3, 4)(t(2, 3)),
    "mha": lambda t: torch.nn.MultiheadAttention(4, 2)(t(3, 2, 4), t(3, 2, 4), t(3, 2, 4))[0],
    "sdpa": lambda t: F._scaled_dot_product_attention(t(2, 3, 4), t(2, 3, 4), t(2, 3, 4))[0],
    "embedding": lambda t: F.embedding(torch.tensor([0]), t(3, 4)),
    "local_response_norm": lambda t: F.local_response_norm(t(2, 4, 3), 2),
    "unfold": lambda t: F.unfold(t(2, 3, 4, 4), 2),
    "fold": lambda t: F.fold(t(2, 12, 9), (4, 4), 2),
    "pixel_shuffle": lambda t: F.pixel_shuffle(t(2, 4, 4, 4), 2),
}


def main():
    warnings.filterwarnings("ignore")
    torch.manual_seed(0)
    found = {}
    for name, run in CASES.items():
        if name in NEWER:
            found[name] = NEWER[name]
            continue
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            found[name] = [NAMES[run(kind).dtype] for kind in (f32, bf16)]
    path = pathlib.Path(__file__).with_name("autocast.json")
    path.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(dtypes)}' for name, dtypes in found.items()) + "\n}\n")


if __name__ == "__main__":
    main()
