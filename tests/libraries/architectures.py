"""Architectures of transformers at small sizes: of each its class, its configuration, and its inputs."""

import json
from pathlib import Path
from typing import Any, NamedTuple

SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
WORDS: dict[str, Any] = {**SMALL, "vocab_size": 100, "pad_token_id": 0}
GROUPED: dict[str, Any] = {**WORDS, "num_key_value_heads": 2}
HEADS: dict[str, Any] = {**GROUPED, "head_dim": 8}
IMAGES: dict[str, Any] = {**SMALL, "image_size": 32}
PATCHES: dict[str, Any] = {**IMAGES, "patch_size": 8}
SOUNDS: dict[str, Any] = {
    **SMALL, "vocab_size": 100, "conv_dim": [32, 32], "conv_kernel": [10, 3], "conv_stride": [5, 2],
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4, "num_feat_extract_layers": 2,
}  # fmt: skip
PAIRED: dict[str, Any] = {
    "vocab_size": 100, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64,
    "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 1,
}  # fmt: skip
FIVES: dict[str, Any] = {
    "vocab_size": 100, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4,
}  # fmt: skip
XLM: dict[str, Any] = {
    "vocab_size": 100, "n_words": 100, "emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 64,
}  # fmt: skip
GPT: dict[str, Any] = {"vocab_size": 100, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
TEXT, PICTURE, SOUND = ("input_ids=12:int64",), ("pixel_values=3x32x32",), ("input_values=2000",)
BOTH = (*TEXT, "decoder_input_ids=5:int64")
PAIR = (*TEXT, *PICTURE)
FRAMES = ("pixel_values=4x3x32x32",)
EXPERTS: dict[str, Any] = {
    **HEADS, "num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16,
}  # fmt: skip
TWO: dict[str, Any] = {"text_config": {**WORDS, "max_position_embeddings": 64}, "vision_config": PATCHES}


class Architecture(NamedTuple):
    name: str
    config: dict[str, Any]
    inputs: tuple[str, ...]


# By the type of the model: the class, the configuration, the inputs.
_LISTED: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    # encoders of text
    "albert": ("AlbertModel", {**WORDS, "embedding_size": 16}, TEXT),
    "bert": ("BertModel", WORDS, TEXT),
    "bert-generation": ("BertGenerationEncoder", WORDS, TEXT),
    "big_bird": ("BigBirdModel", {**WORDS, "attention_type": "original_full"}, TEXT),
    "camembert": ("CamembertModel", WORDS, TEXT),
    "canine": ("CanineModel", {**WORDS, "max_position_embeddings": 64}, ("input_ids=32:int64",)),
    "convbert": ("ConvBertModel", {**WORDS, "embedding_size": 16}, TEXT),
    "data2vec-text": ("Data2VecTextModel", WORDS, TEXT),
    "deberta": ("DebertaModel", WORDS, TEXT),
    "deberta-v2": ("DebertaV2Model", WORDS, TEXT),
    "distilbert": (
        "DistilBertModel", {"vocab_size": 100, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}, TEXT,
    ),
    "electra": ("ElectraModel", {**WORDS, "embedding_size": 16}, TEXT),
    "ernie": ("ErnieModel", WORDS, TEXT),
    "esm": ("EsmModel", {**WORDS, "mask_token_id": 3}, TEXT),
    "eurobert": ("EuroBertModel", GROUPED, TEXT),
    "flaubert": ("FlaubertModel", XLM, TEXT),
    "fnet": ("FNetModel", WORDS, TEXT),
    "funnel": (
        "FunnelModel", {"vocab_size": 100, "block_sizes": [1, 1], "d_model": 32, "n_head": 4, "d_head": 8,
        "d_inner": 64, "num_decoder_layers": 1}, TEXT,
    ),
    "ibert": ("IBertModel", WORDS, TEXT),
    "layoutlm": ("LayoutLMModel", {**WORDS, "max_2d_position_embeddings": 64}, TEXT),
    "lilt": ("LiltModel", {**WORDS, "hidden_size": 48, "max_2d_position_embeddings": 64}, TEXT),
    "longformer": ("LongformerModel", {**WORDS, "attention_window": 4}, TEXT),
    "luke": ("LukeModel", {**WORDS, "entity_vocab_size": 10, "entity_emb_size": 8}, TEXT),
    "markuplm": ("MarkupLMModel", WORDS, TEXT),
    "megatron-bert": ("MegatronBertModel", WORDS, TEXT),
    "mobilebert": ("MobileBertModel", {**WORDS, "embedding_size": 16, "intra_bottleneck_size": 16}, TEXT),
    "modernbert": ("ModernBertModel", WORDS, TEXT),
    "mpnet": ("MPNetModel", WORDS, TEXT),
    "mra": ("MraModel", WORDS, ("input_ids=32:int64",)),
    "nomic_bert": ("NomicBertModel", WORDS, TEXT),
    "nystromformer": ("NystromformerModel", {**WORDS, "num_landmarks": 12, "segment_means_seq_len": 12}, TEXT),
    "rembert": ("RemBertModel", {**WORDS, "input_embedding_size": 16, "output_embedding_size": 16}, TEXT),
    "roberta": ("RobertaModel", WORDS, TEXT),
    "roberta-prelayernorm": ("RobertaPreLayerNormModel", WORDS, TEXT),
    "roc_bert": ("RoCBertModel", {**WORDS, "pronunciation_vocab_size": 20, "shape_vocab_size": 20}, TEXT),
    "roformer": ("RoFormerModel", WORDS, TEXT),
    "splinter": ("SplinterModel", WORDS, TEXT),
    "squeezebert": ("SqueezeBertModel", {**WORDS, "embedding_size": 32}, TEXT),
    "tapas": ("TapasModel", WORDS, TEXT),
    "xlm": ("XLMModel", XLM, TEXT),
    "xlm-roberta": ("XLMRobertaModel", WORDS, TEXT),
    "xlm-roberta-xl": ("XLMRobertaXLModel", WORDS, TEXT),
    "xlnet": ("XLNetModel", {"vocab_size": 100, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64}, TEXT),
    "xmod": ("XmodModel", {**WORDS, "default_language": "en_XX"}, TEXT),
    "yoso": ("YosoModel", {**WORDS, "use_expectation": True}, TEXT),
    # decoders of text
    "apertus": ("ApertusForCausalLM", GROUPED, TEXT),
    "arcee": ("ArceeForCausalLM", GROUPED, TEXT),
    "biogpt": ("BioGptForCausalLM", WORDS, TEXT),
    "bitnet": ("BitNetForCausalLM", GROUPED, TEXT),
    "bloom": ("BloomForCausalLM", {"vocab_size": 100, "hidden_size": 32, "n_layer": 2, "n_head": 4}, TEXT),
    "codegen": ("CodeGenForCausalLM", {**GPT, "rotary_dim": 4}, TEXT),
    "cohere": ("CohereForCausalLM", GROUPED, TEXT),
    "cohere2": ("Cohere2ForCausalLM", GROUPED, TEXT),
    "cpmant": (
        "CpmAntForCausalLM", {**WORDS, "dim_model": 32, "dim_head": 8, "num_heads": 4, "dim_ff": 64, "prompt_types": 2,
        "prompt_length": 4}, TEXT,
    ),
    "ctrl": ("CTRLLMHeadModel", {**GPT, "dff": 64}, TEXT),
    "diffllama": ("DiffLlamaForCausalLM", GROUPED, TEXT),
    "ernie4_5": ("Ernie4_5ForCausalLM", HEADS, TEXT),
    "exaone4": ("Exaone4ForCausalLM", GROUPED, TEXT),
    "falcon": ("FalconForCausalLM", WORDS, TEXT),
    "gemma": ("GemmaForCausalLM", HEADS, TEXT),
    "gemma2": ("Gemma2ForCausalLM", HEADS, TEXT),
    "gemma3_text": ("Gemma3ForCausalLM", HEADS, TEXT),
    "glm": ("GlmForCausalLM", HEADS, TEXT),
    "glm4": ("Glm4ForCausalLM", HEADS, TEXT),
    "gpt2": ("GPT2LMHeadModel", GPT, TEXT),
    "gpt_bigcode": ("GPTBigCodeForCausalLM", GPT, TEXT),
    "gpt_neo": (
        "GPTNeoForCausalLM", {"vocab_size": 100, "hidden_size": 32, "num_layers": 2, "num_heads": 4,
        "attention_types": [[["global", "local"], 1]]}, TEXT,
    ),
    "gpt_neox": ("GPTNeoXForCausalLM", WORDS, TEXT),
    "gpt_neox_japanese": ("GPTNeoXJapaneseForCausalLM", WORDS, TEXT),
    "gptj": ("GPTJForCausalLM", {**GPT, "rotary_dim": 4}, TEXT),
    "granite": ("GraniteForCausalLM", GROUPED, TEXT),
    "helium": ("HeliumForCausalLM", HEADS, TEXT),
    "hunyuan_v1_dense": ("HunYuanDenseV1ForCausalLM", HEADS, TEXT),
    "lfm2": ("Lfm2ForCausalLM", {**GROUPED, "layer_types": ["conv", "full_attention"]}, TEXT),
    "llama": ("LlamaForCausalLM", GROUPED, TEXT),
    "ministral": ("MinistralForCausalLM", HEADS, TEXT),
    "mistral": ("MistralForCausalLM", GROUPED, TEXT),
    "modernbert-decoder": ("ModernBertDecoderForCausalLM", WORDS, TEXT),
    "mpt": ("MptForCausalLM", {"vocab_size": 100, "d_model": 32, "n_layers": 2, "n_heads": 4}, TEXT),
    "nanochat": ("NanoChatForCausalLM", GROUPED, TEXT),
    "nemotron": ("NemotronForCausalLM", GROUPED, TEXT),
    "olmo": ("OlmoForCausalLM", GROUPED, TEXT),
    "olmo2": ("Olmo2ForCausalLM", GROUPED, TEXT),
    "olmo3": ("Olmo3ForCausalLM", GROUPED, TEXT),
    "openai-gpt": ("OpenAIGPTLMHeadModel", GPT, TEXT),
    "opt": ("OPTForCausalLM", {**WORDS, "ffn_dim": 64, "word_embed_proj_dim": 32, "max_position_embeddings": 64}, TEXT),
    "persimmon": ("PersimmonForCausalLM", WORDS, TEXT),
    "phi": ("PhiForCausalLM", GROUPED, TEXT),
    "phi3": ("Phi3ForCausalLM", GROUPED, TEXT),
    "qwen2": ("Qwen2ForCausalLM", GROUPED, TEXT),
    "qwen3": ("Qwen3ForCausalLM", HEADS, TEXT),
    "seed_oss": ("SeedOssForCausalLM", HEADS, TEXT),
    "smollm3": ("SmolLM3ForCausalLM", GROUPED, TEXT),
    "stablelm": ("StableLmForCausalLM", GROUPED, TEXT),
    "starcoder2": ("Starcoder2ForCausalLM", GROUPED, TEXT),
    "vaultgemma": ("VaultGemmaForCausalLM", HEADS, TEXT),
    "xglm": (
        "XGLMForCausalLM", {"vocab_size": 100, "d_model": 32, "ffn_dim": 64, "num_layers": 2, "attention_heads": 4},
        TEXT,
    ),
    # state spaces and recurrence
    "bamba": (
        "BambaForCausalLM", {**GROUPED, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1,
        "attn_layer_indices": [1]}, TEXT,
    ),
    "falcon_mamba": (
        "FalconMambaForCausalLM", {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}, TEXT,
    ),
    "jamba": (
        "JambaForCausalLM", {**GROUPED, "num_experts": 1, "mamba_d_state": 8, "mamba_dt_rank": 4,
        "attn_layer_offset": 1, "attn_layer_period": 2, "use_mamba_kernels": False}, TEXT,
    ),
    "mamba": (
        "MambaForCausalLM", {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}, TEXT,
    ),
    "mamba2": (
        "Mamba2ForCausalLM", {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8,
        "num_heads": 8, "head_dim": 8, "n_groups": 1}, TEXT,
    ),
    "recurrent_gemma": (
        "RecurrentGemmaForCausalLM", {**HEADS, "lru_width": 32, "attention_window_size": 8, "use_cache": False}, TEXT,
    ),
    "rwkv": (
        "RwkvForCausalLM", {"vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 2, "attention_hidden_size": 32,
        "context_length": 64}, TEXT,
    ),
    "zamba2": (
        "Zamba2ForCausalLM", {**WORDS, "mamba_d_state": 8, "mamba_headdim": 8, "n_mamba_heads": 8, "mamba_ngroups": 1,
        "num_mem_blocks": 1, "layers_block_type": ["mamba", "hybrid"]}, TEXT,
    ),
    "qwen3_next": (
        "Qwen3NextForCausalLM", {**EXPERTS, "linear_num_value_heads": 4, "linear_num_key_heads": 2,
        "linear_key_head_dim": 8, "linear_value_head_dim": 8, "shared_expert_intermediate_size": 16,
        "layer_types": ["linear_attention", "full_attention"]}, TEXT,
    ),
    # mixtures of experts
    "deepseek_v2": (
        "DeepseekV2ForCausalLM", {**WORDS, "num_key_value_heads": 4, "kv_lora_rank": 8, "q_lora_rank": 8,
        "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2,
        "moe_intermediate_size": 16, "first_k_dense_replace": 1, "n_group": 1, "topk_group": 1}, TEXT,
    ),
    "deepseek_v3": (
        "DeepseekV3ForCausalLM", {**WORDS, "num_key_value_heads": 4, "kv_lora_rank": 8, "q_lora_rank": 8,
        "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2,
        "moe_intermediate_size": 16, "first_k_dense_replace": 1, "n_group": 1, "topk_group": 1}, TEXT,
    ),
    "ernie4_5_moe": (
        "Ernie4_5_MoeForCausalLM", {**EXPERTS, "moe_num_experts": 4, "moe_k": 2, "moe_layer_start_index": 1,
        "moe_layer_end_index": 1}, TEXT,
    ),
    "glm4_moe": (
        "Glm4MoeForCausalLM", {**EXPERTS, "n_routed_experts": 4, "n_group": 1, "topk_group": 1,
        "first_k_dense_replace": 1}, TEXT,
    ),
    "gpt_oss": ("GptOssForCausalLM", EXPERTS, TEXT),
    "granitemoe": ("GraniteMoeForCausalLM", EXPERTS, TEXT),
    "mixtral": ("MixtralForCausalLM", EXPERTS, TEXT),
    "olmoe": ("OlmoeForCausalLM", EXPERTS, TEXT),
    "phimoe": ("PhimoeForCausalLM", EXPERTS, TEXT),
    "qwen2_moe": ("Qwen2MoeForCausalLM", {**EXPERTS, "shared_expert_intermediate_size": 16}, TEXT),
    "qwen3_moe": ("Qwen3MoeForCausalLM", EXPERTS, TEXT),
    "switch_transformers": (
        "SwitchTransformersForConditionalGeneration", {**FIVES, "num_experts": 4, "num_sparse_encoder_layers": 1,
        "num_sparse_decoder_layers": 1}, BOTH,
    ),
    # encoders with decoders
    "bart": ("BartForConditionalGeneration", PAIRED, BOTH),
    "bigbird_pegasus": ("BigBirdPegasusForConditionalGeneration", {**PAIRED, "attention_type": "original_full"}, BOTH),
    "blenderbot": ("BlenderbotForConditionalGeneration", PAIRED, BOTH),
    "blenderbot-small": ("BlenderbotSmallForConditionalGeneration", PAIRED, BOTH),
    "fsmt": (
        "FSMTForConditionalGeneration", {**PAIRED, "langs": ["en", "de"], "src_vocab_size": 100, "tgt_vocab_size": 100},
        BOTH,
    ),
    "led": (
        "LEDForConditionalGeneration", {**PAIRED, "attention_window": 4, "max_encoder_position_embeddings": 64,
        "max_decoder_position_embeddings": 64}, BOTH,
    ),
    "longt5": ("LongT5ForConditionalGeneration", {**FIVES, "local_radius": 3, "encoder_attention_type": "local"}, BOTH),
    "m2m_100": ("M2M100ForConditionalGeneration", PAIRED, BOTH),
    "marian": ("MarianMTModel", PAIRED, BOTH),
    "mbart": ("MBartForConditionalGeneration", PAIRED, BOTH),
    "mt5": ("MT5ForConditionalGeneration", FIVES, BOTH),
    "mvp": ("MvpForConditionalGeneration", PAIRED, BOTH),
    "nllb-moe": (
        "NllbMoeForConditionalGeneration", {**PAIRED, "num_experts": 4, "encoder_sparse_step": 2,
        "decoder_sparse_step": 2}, BOTH,
    ),
    "pegasus": ("PegasusForConditionalGeneration", PAIRED, BOTH),
    "pegasus_x": ("PegasusXForConditionalGeneration", {**PAIRED, "block_size": 4, "num_global_tokens": 4}, BOTH),
    "plbart": ("PLBartForConditionalGeneration", PAIRED, BOTH),
    "prophetnet": (
        "ProphetNetForConditionalGeneration", {"vocab_size": 100, "hidden_size": 32, "encoder_ffn_dim": 64,
        "num_encoder_layers": 2, "num_encoder_attention_heads": 4, "decoder_ffn_dim": 64, "num_decoder_layers": 2,
        "num_decoder_attention_heads": 4, "max_position_embeddings": 64}, BOTH,
    ),
    "t5": ("T5ForConditionalGeneration", FIVES, BOTH),
    "umt5": ("UMT5ForConditionalGeneration", FIVES, BOTH),
    # vision
    "beit": ("BeitModel", PATCHES, PICTURE),
    "bit": (
        "BitModel", {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "preactivation",
        "num_groups": 4}, PICTURE,
    ),
    "convnext": ("ConvNextModel", {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]}, PICTURE),
    "convnextv2": ("ConvNextV2Model", {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]}, PICTURE),
    "cvt": ("CvtModel", {"embed_dim": [16, 32, 64], "num_heads": [1, 2, 4], "depth": [1, 2, 3]}, PICTURE),
    "data2vec-vision": ("Data2VecVisionModel", PATCHES, PICTURE),
    "deit": ("DeiTForImageClassification", PATCHES, PICTURE),
    "dinov2": ("Dinov2Model", PATCHES, PICTURE),
    "dinov2_with_registers": ("Dinov2WithRegistersModel", PATCHES, PICTURE),
    "dinov3_convnext": ("DINOv3ConvNextModel", {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]}, PICTURE),
    "dinov3_vit": ("DINOv3ViTModel", PATCHES, PICTURE),
    "dpt": (
        "DPTForDepthEstimation", {**PATCHES, "num_hidden_layers": 4, "backbone_out_indices": [0, 1, 2, 3],
        "neck_hidden_sizes": [8, 16, 32, 32], "fusion_hidden_size": 16, "is_hybrid": False}, PICTURE,
    ),
    "efficientnet": ("EfficientNetModel", {"image_size": 32}, PICTURE),
    "focalnet": (
        "FocalNetModel", {"image_size": 32, "embed_dim": 16, "depths": [1, 1], "hidden_sizes": [16, 32],
        "focal_levels": [2, 2], "focal_windows": [3, 3]}, PICTURE,
    ),
    "glpn": (
        "GLPNForDepthEstimation", {"hidden_sizes": [8, 16, 32, 64], "num_attention_heads": [1, 1, 2, 4], "depths": [1,
        1, 1, 1], "decoder_hidden_size": 16}, PICTURE,
    ),
    "hgnet_v2": ("HGNetV2ForImageClassification", {}, PICTURE),
    "hiera": (
        "HieraModel", {"embed_dim": 16, "image_size": [32, 32], "depths": [1, 1, 1], "num_heads": [1, 2, 4],
        "masked_unit_size": [4, 4], "query_stride": [2, 2], "num_query_pool": 1, "embed_dim_multiplier": 2.0}, PICTURE,
    ),
    "ijepa": ("IJepaModel", PATCHES, PICTURE),
    "imagegpt": ("ImageGPTModel", GPT, TEXT),
    "levit": (
        "LevitModel", {"image_size": 32, "hidden_sizes": [16, 32, 48], "num_attention_heads": [2, 4, 6], "depths": [1,
        1, 1], "key_dim": [8, 8, 8]}, PICTURE,
    ),
    "mobilenet_v1": ("MobileNetV1Model", {}, PICTURE),
    "mobilenet_v2": ("MobileNetV2Model", {}, PICTURE),
    "mobilevit": ("MobileViTModel", {}, PICTURE),
    "mobilevitv2": ("MobileViTV2Model", {}, ("pixel_values=3x64x64",)),
    "poolformer": ("PoolFormerModel", {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 1, 1]}, PICTURE),
    "pvt": (
        "PvtModel", {"image_size": 32, "hidden_sizes": [8, 16, 32, 64], "num_attention_heads": [1, 1, 2, 4],
        "depths": [1, 1, 1, 1], "num_encoder_blocks": 4}, PICTURE,
    ),
    "pvt_v2": (
        "PvtV2Model", {"image_size": 32, "hidden_sizes": [8, 16, 32, 64], "num_attention_heads": [1, 1, 2, 4],
        "depths": [1, 1, 1, 1]}, PICTURE,
    ),
    "regnet": (
        "RegNetModel", {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "groups_width": 8}, PICTURE,
    ),
    "resnet": ("ResNetModel", {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1]}, PICTURE),
    "segformer": (
        "SegformerForImageClassification", {"hidden_sizes": [8, 16, 32, 64], "num_attention_heads": [1, 1, 2, 4],
        "depths": [1, 1, 1, 1]}, PICTURE,
    ),
    "swiftformer": ("SwiftFormerModel", {"depths": [1, 1, 1, 1], "embed_dims": [8, 16, 32, 64]}, PICTURE),
    "swin": (
        "SwinModel", {"image_size": 32, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4},
        PICTURE,
    ),
    "swin2sr": (
        "Swin2SRModel", {"image_size": 32, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4},
        PICTURE,
    ),
    "swinv2": (
        "Swinv2Model", {"image_size": 32, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4},
        PICTURE,
    ),
    "textnet": ("TextNetModel", {}, PICTURE),
    "timesformer": ("TimesformerModel", {**PATCHES, "num_frames": 4}, FRAMES),
    "videomae": ("VideoMAEModel", {**PATCHES, "num_frames": 4}, FRAMES),
    "vit": ("ViTForImageClassification", PATCHES, PICTURE),
    "vit_mae": ("ViTMAEModel", {**PATCHES, "mask_ratio": 0.5}, PICTURE),
    "vit_msn": ("ViTMSNModel", PATCHES, PICTURE),
    "vitdet": ("VitDetModel", {**PATCHES, "window_block_indices": [0], "window_size": 2}, PICTURE),
    "vivit": ("VivitModel", {**IMAGES, "num_frames": 4, "tubelet_size": [2, 8, 8]}, FRAMES),
    "yolos": ("YolosForObjectDetection", {**PATCHES, "image_size": [32, 32], "num_detection_tokens": 5}, PICTURE),
    # audio
    "audio-spectrogram-transformer": (
        "ASTModel", {**SMALL, "patch_size": 4, "max_length": 24, "num_mel_bins": 16, "frequency_stride": 4,
        "time_stride": 4}, ("input_values=24x16",),
    ),
    "dac": (
        "DacModel", {"encoder_hidden_size": 8, "decoder_hidden_size": 32, "downsampling_ratios": [2, 2],
        "upsampling_ratios": [2, 2], "codebook_size": 16, "n_codebooks": 2}, ("input_values=1x64",),
    ),
    "data2vec-audio": ("Data2VecAudioModel", SOUNDS, SOUND),
    "encodec": (
        "EncodecModel", {"hidden_size": 16, "num_filters": 4, "upsampling_ratios": [2, 2], "codebook_size": 16,
        "codebook_dim": 16}, ("input_values=1x64",),
    ),
    "hubert": ("HubertModel", SOUNDS, SOUND),
    "mimi": (
        "MimiModel", {**HEADS, "num_filters": 8, "upsampling_ratios": [2, 2], "upsample_groups": 4, "codebook_size": 16,
        "codebook_dim": 8, "vector_quantization_hidden_dimension": 8, "num_quantizers": 2,
        "num_semantic_quantizers": 1}, ("input_values=1x64",),
    ),
    "moonshine": (
        "MoonshineForConditionalGeneration", {"vocab_size": 100, "hidden_size": 32, "intermediate_size": 64,
        "encoder_num_hidden_layers": 1, "decoder_num_hidden_layers": 1, "encoder_num_attention_heads": 4,
        "decoder_num_attention_heads": 4}, ("input_values=2000", "decoder_input_ids=5:int64"),
    ),
    "sew": ("SEWModel", {**SOUNDS, "squeeze_factor": 2}, SOUND),
    "sew-d": ("SEWDModel", {**SOUNDS, "squeeze_factor": 2}, SOUND),
    "speech_to_text": (
        "Speech2TextForConditionalGeneration", {**PAIRED, "input_feat_per_channel": 16, "conv_channels": 16,
        "max_source_positions": 64, "max_target_positions": 64}, ("input_features=24x16", "decoder_input_ids=5:int64"),
    ),
    "unispeech": ("UniSpeechModel", SOUNDS, SOUND),
    "unispeech-sat": ("UniSpeechSatModel", SOUNDS, SOUND),
    "univnet": (
        "UnivNetModel", {"model_in_channels": 8, "model_hidden_channels": 8, "num_mel_bins": 16,
        "resblock_stride_sizes": [2, 2], "resblock_kernel_sizes": [3, 3], "resblock_dilation_sizes": [[1, 3], [1, 3]],
        "kernel_predictor_hidden_channels": 8}, ("input_features=12x16",),
    ),
    "wav2vec2": ("Wav2Vec2ForCTC", SOUNDS, SOUND),
    "wav2vec2-bert": (
        "Wav2Vec2BertModel", {**SMALL, "vocab_size": 100, "feature_projection_input_dim": 16},
        ("input_features=24x16",),
    ),
    "wav2vec2-conformer": ("Wav2Vec2ConformerModel", SOUNDS, SOUND),
    "wavlm": ("WavLMModel", SOUNDS, SOUND),
    "whisper": (
        "WhisperForConditionalGeneration", {**PAIRED, "num_mel_bins": 16, "max_source_positions": 12,
        "max_target_positions": 12}, ("input_features=16x24", "decoder_input_ids=5:int64"),
    ),
    # series
    "patchtsmixer": (
        "PatchTSMixerModel", {"context_length": 32, "patch_length": 8, "patch_stride": 8, "num_input_channels": 2,
        "d_model": 16}, ("past_values=32x2",),
    ),
    "patchtst": (
        "PatchTSTModel", {"context_length": 32, "patch_length": 8, "patch_stride": 8, "num_input_channels": 2,
        "d_model": 16, "num_attention_heads": 4, "ffn_dim": 32, "num_hidden_layers": 2}, ("past_values=32x2",),
    ),
    # text with pictures
    "align": ("AlignModel", {"text_config": WORDS, "vision_config": {"image_size": 32}}, PAIR),
    "blip": ("BlipModel", {"text_config": WORDS, "vision_config": PATCHES}, PAIR),
    "bridgetower": (
        "BridgeTowerModel", {**SMALL, "hidden_size": 64, "text_config": {**WORDS, "hidden_size": 64},
        "vision_config": {**PATCHES, "hidden_size": 64}}, PAIR,
    ),
    "chinese_clip": ("ChineseCLIPModel", {"text_config": WORDS, "vision_config": PATCHES}, PAIR),
    "clip": ("CLIPModel", TWO, PAIR),
    "clipseg": ("CLIPSegModel", TWO, PAIR),
    "flava": ("FlavaModel", {"text_config": WORDS, "image_config": PATCHES, "multimodal_config": SMALL}, PAIR),
    "git": ("GitModel", {**WORDS, "vision_config": PATCHES}, PAIR),
    "groupvit": (
        "GroupViTModel", {"text_config": WORDS, "vision_config": {**PATCHES, "depths": [1, 1, 1],
        "num_group_tokens": [4, 2, 0], "num_output_groups": [4, 2, 0]}}, PAIR,
    ),
    "llava": (
        "LlavaForConditionalGeneration", {"text_config": {**GROUPED, "model_type": "llama"},
        "vision_config": {**PATCHES, "model_type": "clip_vision_model"}, "image_token_id": 99}, TEXT,
    ),
    "lxmert": (
        "LxmertModel", {**WORDS, "l_layers": 1, "x_layers": 1, "r_layers": 1, "visual_feat_dim": 16}, (*TEXT,
        "visual_feats=4x16", "visual_pos=4x4"),
    ),
    "metaclip_2": ("MetaClip2Model", TWO, PAIR),
    "owlvit": ("OwlViTModel", TWO, PAIR),
    "paligemma": (
        "PaliGemmaForConditionalGeneration", {"text_config": {**HEADS, "model_type": "gemma"},
        "vision_config": {**PATCHES, "model_type": "siglip_vision_model"}, "image_token_id": 99, "projection_dim": 32},
        TEXT,
    ),
    "siglip": ("SiglipModel", TWO, PAIR),
    "vilt": ("ViltModel", {**WORDS, **PATCHES}, (*PAIR, "pixel_mask=32x32:int64")),
    "visual_bert": ("VisualBertModel", {**WORDS, "visual_embedding_dim": 16}, (*TEXT, "visual_embeds=4x16")),
    "xclip": (
        "XCLIPModel", {"text_config": WORDS, "vision_config": {**PATCHES, "num_frames": 4, "mit_hidden_size": 32,
        "mit_num_attention_heads": 4, "mit_num_hidden_layers": 1, "mit_intermediate_size": 64}, "projection_dim": 32},
        (*TEXT, *FRAMES),
    ),
}  # fmt: skip
ARCHITECTURES = {kind: Architecture(*listed) for kind, listed in _LISTED.items()}


def write_config(kind: str, folder: Path) -> Path:
    """Write the configuration of an architecture as transformers keeps it, and return its path."""
    architecture = ARCHITECTURES[kind]
    folder.mkdir(exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": kind, "architectures": [architecture.name], **architecture.config}))
    return path
