#!/usr/bin/python3
"""Makes the model that `make run` loads, with the real safetensors library.

Names, shapes and sharding are those of a small Qwen2; the weights are a counter run through
a multiplication, so that no two places of the model hold the same eight bytes for a reason
and a load that mixes up offsets cannot go unseen. Cheap: one pass of numpy.

usage: make_model.py DIR
"""
import json
import os
import sys

import numpy as np
from safetensors.numpy import save_file

HIDDEN, INTERMEDIATE, LAYERS, HEADS, KV_HEADS, VOCAB = 1024, 2816, 24, 16, 4, 32000
SHARDS = 4
SEED = 0x5EED


def shapes():
    """Name and shape of every tensor, in the order in which a checkpoint is written."""
    kv = HIDDEN // HEADS * KV_HEADS
    yield "model.embed_tokens.weight", (VOCAB, HIDDEN)
    for n in range(LAYERS):
        p = f"model.layers.{n}."
        for name, rows in (("q", HIDDEN), ("k", kv), ("v", kv)):
            yield p + f"self_attn.{name}_proj.weight", (rows, HIDDEN)
            yield p + f"self_attn.{name}_proj.bias", (rows,)
        yield p + "self_attn.o_proj.weight", (HIDDEN, HIDDEN)
        yield p + "mlp.gate_proj.weight", (INTERMEDIATE, HIDDEN)
        yield p + "mlp.up_proj.weight", (INTERMEDIATE, HIDDEN)
        yield p + "mlp.down_proj.weight", (HIDDEN, INTERMEDIATE)
        yield p + "input_layernorm.weight", (HIDDEN,)
        yield p + "post_attention_layernorm.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)


def weights(start, shape):
    """Finite F16 values, different for every `start` (counted in 8-byte words)."""
    size = int(np.prod(shape)) * 2
    words = np.arange(start, start + size // 8, dtype=np.uint64)
    words *= np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(29)
    # Without the top bit of the exponent, no value is infinite or not a number.
    words &= np.uint64(0xBFFFBFFFBFFFBFFF)
    return words.view(np.float16).reshape(shape)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    todo = list(shapes())
    total = sum(int(np.prod(s)) * 2 for _, s in todo)
    weight_map, start, done = {}, SEED, 0
    for shard in range(1, SHARDS + 1):
        file = f"model-{shard:05d}-of-{SHARDS:05d}.safetensors"
        tensors = {}
        while todo and done < total * shard // SHARDS:
            name, shape = todo.pop(0)
            tensors[name] = weights(start, shape)
            start += tensors[name].nbytes // 8
            done += tensors[name].nbytes
            weight_map[name] = file
        save_file(tensors, os.path.join(folder, file), metadata={"format": "pt"})
        print(f"{file}: {len(tensors)} tensors, {done / 1e6:.0f} of {total / 1e6:.0f} MB", flush=True)
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": total}, "weight_map": weight_map}, f, indent=2, sort_keys=True)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump({
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float16",
            "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "vocab_size": VOCAB,
            "tie_word_embeddings": True}, f, indent=2)


main(sys.argv[1])
