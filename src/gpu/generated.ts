// Generated from shaders/ by `npm run generate`. Do not edit.
import type { Tensor } from './tensor.js';

/** What each kernel must be given, by the names of its WGSL variables. */
export interface Kernels {
  'aggregate/mean_full': {
    bindings: { readonly source: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly first: number; readonly nodes: number; readonly width: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly JOINT?: number; readonly WORKGROUP?: number };
  };
  'aggregate/mean_full.lanes': {
    bindings: { readonly source: Tensor<'f32'>; readonly others: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly width: number; readonly first: number; readonly skip: number; readonly nodes: number; readonly others_begin: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly JOINT?: number };
  };
  'aggregate/mean_full_backward': {
    bindings: { readonly output_gradient: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly source: Tensor<'f32'>; readonly source_gradient: Tensor<'f32'> };
    parameters: { readonly nodes: number; readonly width: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly WORKGROUP?: number; readonly JOINT?: number };
  };
  'aggregate/mean_full_backward.lanes': {
    bindings: { readonly output_gradient: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly source: Tensor<'f32'>; readonly source_gradient: Tensor<'f32'> };
    parameters: { readonly width: number; readonly nodes: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly JOINT?: number };
  };
  'aggregate/mean_full_half': {
    bindings: { readonly source: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly first: number; readonly nodes: number; readonly width: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly JOINT?: number; readonly WORKGROUP?: number };
  };
  'aggregate/mean_full_half.lanes': {
    bindings: { readonly source: Tensor<'u32'>; readonly others: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly width: number; readonly first: number; readonly skip: number; readonly nodes: number; readonly others_begin: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly JOINT?: number };
  };
  'aggregate/mean_sampled': {
    bindings: { readonly source: Tensor<'f32'>; readonly self_rows: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly width: number; readonly fanout: number };
    constants: { readonly WORKGROUP?: number; readonly JOINT?: number };
  };
  'aggregate/mean_sampled.lanes': {
    bindings: { readonly source: Tensor<'f32'>; readonly self_rows: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly width: number; readonly fanout: number };
    constants: { readonly WORKGROUP?: number; readonly JOINT?: number };
  };
  'aggregate/mean_sampled_backward': {
    bindings: { readonly output_gradient: Tensor<'f32'>; readonly uses_of_self: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly order: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly source: Tensor<'f32'>; readonly source_gradient: Tensor<'f32'> };
    parameters: { readonly width: number; readonly fanout: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly WORKGROUP?: number; readonly JOINT?: number };
  };
  'aggregate/mean_sampled_backward.lanes': {
    bindings: { readonly output_gradient: Tensor<'f32'>; readonly uses_of_self: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly order: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly source: Tensor<'f32'>; readonly source_gradient: Tensor<'f32'> };
    parameters: { readonly width: number; readonly fanout: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly JOINT?: number };
  };
  'aggregate/pack_half': {
    bindings: { readonly source: Tensor<'f32'>; readonly packed: Tensor<'u32'> };
    parameters: { readonly rows: number; readonly width: number };
    constants: { readonly WORKGROUP?: number };
  };
  'aggregate/propagate': {
    bindings: { readonly base: Tensor<'f32'>; readonly source: Tensor<'f32'>; readonly norms: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly nodes: number; readonly width: number; readonly factor: number };
    constants: { readonly WORKGROUP?: number };
  };
  'aggregate/propagate.lanes': {
    bindings: { readonly base: Tensor<'f32'>; readonly source: Tensor<'f32'>; readonly norms: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly width: number; readonly nodes: number; readonly factor: number };
    constants: {};
  };
  'block/compact': {
    bindings: { readonly bits: Tensor<'u32'>; readonly ranks: Tensor<'u32'>; readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'> };
    parameters: { readonly words: number; readonly users: number };
    constants: { readonly WORKGROUP?: number };
  };
  'block/locate': {
    bindings: { readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly bits: Tensor<'u32'>; readonly ranks: Tensor<'u32'>; readonly places: Tensor<'u32'> };
    parameters: { readonly stride: number };
    constants: { readonly WORKGROUP?: number };
  };
  'block/mark': {
    bindings: { readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly bits: Tensor<'u32'> };
    parameters: { readonly stride: number };
    constants: { readonly WORKGROUP?: number };
  };
  'ceiling/copy': {
    bindings: { readonly source: Tensor<'u32'>; readonly copied: Tensor<'u32'> };
    parameters: { readonly quads: number };
    constants: { readonly WORKGROUP?: number; readonly SPAN?: number; readonly ADJACENT?: number };
  };
  'ceiling/gather': {
    bindings: { readonly table: Tensor<'u32'>; readonly indices: Tensor<'u32'>; readonly gathered: Tensor<'u32'> };
    parameters: { readonly count: number; readonly quads: number; readonly each: number };
    constants: { readonly WORKGROUP?: number; readonly ADJACENT?: number };
  };
  'ceiling/logic': {
    bindings: { readonly start: Tensor<'u32'>; readonly finish: Tensor<'u32'> };
    parameters: { readonly count: number; readonly rounds: number };
    constants: { readonly WORKGROUP?: number };
  };
  'ceiling/multiply_add': {
    bindings: { readonly start: Tensor<'f32'>; readonly finish: Tensor<'f32'> };
    parameters: { readonly count: number; readonly rounds: number; readonly factor: number; readonly term: number };
    constants: { readonly WORKGROUP?: number; readonly FUSED?: number };
  };
  'ceiling/popcount': {
    bindings: { readonly start: Tensor<'u32'>; readonly finish: Tensor<'u32'> };
    parameters: { readonly count: number; readonly rounds: number };
    constants: { readonly WORKGROUP?: number };
  };
  'dense/activation_backward': {
    bindings: { readonly output: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly gradient: Tensor<'f32'> };
    parameters: { readonly width: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number; readonly WORKGROUP?: number };
  };
  'dense/backward_input': {
    bindings: { readonly gradient: Tensor<'f32'>; readonly weight: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly input: Tensor<'f32'>; readonly input_gradient: Tensor<'f32'> };
    parameters: { readonly input_width: number; readonly output_width: number; readonly sides: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number };
  };
  'dense/backward_input.subgroups': {
    bindings: { readonly gradient: Tensor<'f32'>; readonly weight: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly input: Tensor<'f32'>; readonly input_gradient: Tensor<'f32'> };
    parameters: { readonly input_width: number; readonly output_width: number; readonly sides: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number };
  };
  'dense/backward_weight': {
    bindings: { readonly input: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly partial: Tensor<'f32'> };
    parameters: { readonly input_width: number; readonly output_width: number; readonly sides: number; readonly chunk_rows: number };
    constants: {};
  };
  'dense/backward_weight.subgroups': {
    bindings: { readonly input: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly partial: Tensor<'f32'> };
    parameters: { readonly input_width: number; readonly output_width: number; readonly sides: number; readonly chunk_rows: number };
    constants: {};
  };
  'dense/forward': {
    bindings: { readonly input: Tensor<'f32'>; readonly weight: Tensor<'f32'>; readonly bias: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly input_width: number; readonly output_width: number; readonly sides: number; readonly part_steps: number; readonly max_rows: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number };
  };
  'dense/forward.subgroups': {
    bindings: { readonly input: Tensor<'f32'>; readonly weight: Tensor<'f32'>; readonly bias: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly output_width: number; readonly input_width: number; readonly sides: number };
    constants: { readonly ACTIVATION?: number; readonly SLOPE?: number };
  };
  'dense/reduce_partials': {
    bindings: { readonly partial: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly weight_gradient: Tensor<'f32'>; readonly bias_gradient: Tensor<'f32'> };
    parameters: { readonly input_width: number; readonly output_width: number; readonly sides: number; readonly chunk_rows: number };
    constants: { readonly WORKGROUP?: number };
  };
  'eval/ranking_hits': {
    bindings: { readonly ids: Tensor<'i32'>; readonly test_offsets: Tensor<'u32'>; readonly test_items: Tensor<'u32'>; readonly hits: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly k: number };
    constants: { readonly WORKGROUP?: number };
  };
  'group/count': {
    bindings: { readonly keys: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly counts: Tensor<'u32'> };
    parameters: { readonly stride: number };
    constants: { readonly WORKGROUP?: number };
  };
  'group/place': {
    bindings: { readonly keys: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly cursors: Tensor<'u32'>; readonly order: Tensor<'u32'> };
    parameters: { readonly stride: number };
    constants: { readonly WORKGROUP?: number };
  };
  'group/sort': {
    bindings: { readonly offsets: Tensor<'u32'>; readonly order: Tensor<'u32'> };
    parameters: { readonly keys: number };
    constants: { readonly WORKGROUP?: number; readonly SHORT?: number };
  };
  'hash/guide': {
    bindings: { readonly embedding: Tensor<'f32'>; readonly code: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'>; readonly guided: Tensor<'f32'> };
    parameters: { readonly width: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number; readonly BY_ROW?: number };
  };
  'hash/guide_backward': {
    bindings: { readonly guided_gradient: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'>; readonly embedding_gradient: Tensor<'f32'>; readonly code_gradient: Tensor<'f32'> };
    parameters: { readonly width: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number; readonly BY_ROW?: number };
  };
  'hash/pack': {
    bindings: { readonly embedding: Tensor<'f32'>; readonly codes: Tensor<'u32'> };
    parameters: { readonly rows: number; readonly width: number };
    constants: { readonly WORKGROUP?: number };
  };
  'hash/relax': {
    bindings: { readonly embedding: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'>; readonly guided: Tensor<'f32'> };
    parameters: { readonly width: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number; readonly NOISE?: number };
  };
  'hash/relax_backward': {
    bindings: { readonly embedding: Tensor<'f32'>; readonly guided: Tensor<'f32'>; readonly guided_gradient: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'>; readonly embedding_gradient: Tensor<'f32'> };
    parameters: { readonly width: number };
    constants: { readonly WORKGROUP?: number };
  };
  'hash/sign': {
    bindings: { readonly embedding: Tensor<'f32'>; readonly code: Tensor<'f32'> };
    parameters: { readonly count: number };
    constants: { readonly WORKGROUP?: number };
  };
  'hash/sign_backward': {
    bindings: { readonly direct_gradient: Tensor<'f32'>; readonly code_gradient: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly embedding_gradient: Tensor<'f32'> };
    parameters: { readonly width: number };
    constants: { readonly WORKGROUP?: number };
  };
  'loss/multinomial': {
    bindings: { readonly users: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly scale: Tensor<'f32'>; readonly teacher: Tensor<'f32'>; readonly teacher_scale: Tensor<'f32'>; readonly scores: Tensor<'f32'>; readonly terms: Tensor<'f32'> };
    parameters: { readonly batch: number; readonly items: number; readonly stride: number; readonly first_item: number; readonly weight: number; readonly flattening: number; readonly distillation: number; readonly first_row: number };
    constants: { readonly WORKGROUP?: number; readonly LANES?: number };
  };
  'loss/pairs': {
    bindings: { readonly guided: Tensor<'f32'>; readonly pairs: Tensor<'u32'>; readonly scale: Tensor<'f32'>; readonly score_gradient: Tensor<'f32'>; readonly edge_terms: Tensor<'f32'> };
    parameters: { readonly batch: number; readonly width: number; readonly slots: number; readonly negatives: number; readonly triplets: number; readonly cross_entropy_weight: number; readonly ranking_weight: number; readonly margin: number; readonly later_first: number; readonly later_weight: number };
    constants: { readonly WORKGROUP?: number; readonly LANES?: number; readonly RANKING?: number };
  };
  'loss/pairs_backward': {
    bindings: { readonly guided: Tensor<'f32'>; readonly pairs: Tensor<'u32'>; readonly score_gradient: Tensor<'f32'>; readonly scale: Tensor<'f32'>; readonly offsets: Tensor<'u32'>; readonly order: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly guided_gradient: Tensor<'f32'> };
    parameters: { readonly width: number; readonly slots: number };
    constants: { readonly WORKGROUP?: number };
  };
  'optim/adam': {
    bindings: { readonly parameter: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly first_moment: Tensor<'f32'>; readonly second_moment: Tensor<'f32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> };
    parameters: { readonly count: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number; readonly weight_decay: number };
    constants: { readonly WORKGROUP?: number };
  };
  'optim/adam.vec4': {
    bindings: { readonly parameter: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly first_moment: Tensor<'f32'>; readonly second_moment: Tensor<'f32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> };
    parameters: { readonly count: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number; readonly weight_decay: number };
    constants: { readonly WORKGROUP?: number };
  };
  'optim/adam_catch_up': {
    bindings: { readonly parameter: Tensor<'f32'>; readonly first_moment: Tensor<'f32'>; readonly second_moment: Tensor<'f32'>; readonly made: Tensor<'u32'>; readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> };
    parameters: { readonly width: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number; readonly weight_decay: number };
    constants: { readonly WORKGROUP?: number; readonly ALL?: number; readonly REPLAYED?: number };
  };
  'optim/adam_made': {
    bindings: { readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly made: Tensor<'u32'> };
    parameters: {};
    constants: { readonly WORKGROUP?: number; readonly ALL?: number; readonly AHEAD?: number };
  };
  'optim/adam_rows': {
    bindings: { readonly parameter: Tensor<'f32'>; readonly first_moment: Tensor<'f32'>; readonly second_moment: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> };
    parameters: { readonly width: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number; readonly weight_decay: number };
    constants: { readonly WORKGROUP?: number };
  };
  'optim/adam_rows.lanes': {
    bindings: { readonly parameter: Tensor<'f32'>; readonly first_moment: Tensor<'f32'>; readonly second_moment: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> };
    parameters: { readonly width: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number; readonly weight_decay: number };
    constants: { readonly WORKGROUP?: number };
  };
  'optim/adam_table': {
    bindings: { readonly parameter: Tensor<'f32'>; readonly first_moment: Tensor<'f32'>; readonly second_moment: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly bits: Tensor<'u32'>; readonly ranks: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> };
    parameters: { readonly nodes: number; readonly width: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number; readonly weight_decay: number };
    constants: { readonly WORKGROUP?: number };
  };
  'optim/adam_table.lanes': {
    bindings: { readonly parameter: Tensor<'f32'>; readonly first_moment: Tensor<'f32'>; readonly second_moment: Tensor<'f32'>; readonly gradient: Tensor<'f32'>; readonly bits: Tensor<'u32'>; readonly ranks: Tensor<'u32'>; readonly state: Tensor<'u32'>; readonly schedule: Tensor<'f32'> };
    parameters: { readonly nodes: number; readonly width: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number; readonly weight_decay: number };
    constants: { readonly WORKGROUP?: number };
  };
  'optim/advance': {
    bindings: { readonly state: Tensor<'u32'> };
    parameters: {};
    constants: {};
  };
  'optim/clip': {
    bindings: { readonly gradient: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly squares: Tensor<'f32'> };
    parameters: { readonly width: number; readonly limit: number };
    constants: { readonly WORKGROUP?: number };
  };
  'reduce/add': {
    bindings: { readonly addend: Tensor<'f32'>; readonly sum: Tensor<'f32'> };
    parameters: { readonly count: number };
    constants: { readonly WORKGROUP?: number };
  };
  'reduce/columns': {
    bindings: { readonly table: Tensor<'f32'>; readonly state: Tensor<'u32'>; readonly ring: Tensor<'f32'>; readonly chosen: Tensor<'f32'> };
    parameters: { readonly count: number; readonly columns: number; readonly capacity: number; readonly chosen_first: number; readonly chosen_count: number };
    constants: { readonly WORKGROUP?: number };
  };
  'reduce/not_finite': {
    bindings: { readonly values: Tensor<'f32'>; readonly found: Tensor<'u32'> };
    parameters: { readonly count: number; readonly invocations: number; readonly slot: number };
    constants: { readonly WORKGROUP?: number };
  };
  'reduce/parts': {
    bindings: { readonly partial: Tensor<'f32'>; readonly sum: Tensor<'f32'> };
    parameters: { readonly parts: number; readonly count: number };
    constants: { readonly WORKGROUP?: number };
  };
  'reduce/squares': {
    bindings: { readonly values: Tensor<'f32'>; readonly rows: Tensor<'u32'>; readonly partial: Tensor<'f32'> };
    parameters: { readonly width: number; readonly first: number; readonly invocations: number };
    constants: { readonly WORKGROUP?: number };
  };
  'refine/directions': {
    bindings: { readonly offsets: Tensor<'u32'>; readonly columns: Tensor<'u32'>; readonly factors: Tensor<'f32'>; readonly teacher: Tensor<'f32'>; readonly scores: Tensor<'f32'>; readonly terms: Tensor<'f32'> };
    parameters: { readonly rows: number; readonly first_row: number; readonly items: number; readonly stride: number };
    constants: { readonly WORKGROUP?: number; readonly LANES?: number };
  };
  'refine/flip': {
    bindings: { readonly factors: Tensor<'f32'>; readonly direction: Tensor<'f32'>; readonly mass: Tensor<'f32'>; readonly signs: Tensor<'f32'>; readonly flips: Tensor<'u32'> };
    parameters: { readonly nodes: number; readonly bits: number };
    constants: { readonly WORKGROUP?: number; readonly LEAST?: number };
  };
  'refine/mass': {
    bindings: { readonly factors: Tensor<'f32'>; readonly teacher: Tensor<'f32'>; readonly direction: Tensor<'f32'>; readonly mass: Tensor<'f32'> };
    parameters: { readonly rows: number; readonly stride: number };
    constants: { readonly WORKGROUP?: number };
  };
  'refine/probabilities': {
    bindings: { readonly offsets: Tensor<'u32'>; readonly columns: Tensor<'u32'>; readonly scale: Tensor<'f32'>; readonly scores: Tensor<'f32'>; readonly terms: Tensor<'f32'> };
    parameters: { readonly rows: number; readonly first_row: number; readonly items: number; readonly stride: number };
    constants: { readonly WORKGROUP?: number; readonly LANES?: number };
  };
  'rows/gather': {
    bindings: { readonly source: Tensor<'f32'>; readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly width: number };
    constants: { readonly WORKGROUP?: number };
  };
  'rows/scatter': {
    bindings: { readonly source: Tensor<'f32'>; readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly output: Tensor<'f32'> };
    parameters: { readonly width: number };
    constants: { readonly WORKGROUP?: number };
  };
  'sample/batch': {
    bindings: { readonly state: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly pairs: Tensor<'u32'> };
    parameters: { readonly batch: number; readonly stride: number; readonly edges: number; readonly users: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number };
  };
  'sample/negatives': {
    bindings: { readonly state: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly pairs: Tensor<'u32'> };
    parameters: { readonly batch: number; readonly stride: number; readonly users: number; readonly items: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number };
  };
  'sample/negatives_by_degree': {
    bindings: { readonly state: Tensor<'u32'>; readonly cumulative: Tensor<'u32'>; readonly pairs: Tensor<'u32'> };
    parameters: { readonly first_row: number; readonly batch: number; readonly stride: number; readonly first_node: number; readonly count: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number };
  };
  'sample/neighbours': {
    bindings: { readonly state: Tensor<'u32'>; readonly nodes: Tensor<'u32'>; readonly rows: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly sampled: Tensor<'u32'> };
    parameters: { readonly fanout: number; readonly layer: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number };
  };
  'sample/users': {
    bindings: { readonly state: Tensor<'u32'>; readonly batch: Tensor<'u32'> };
    parameters: { readonly count: number; readonly users: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number };
  };
  'sample/walks': {
    bindings: { readonly state: Tensor<'u32'>; readonly offsets: Tensor<'u32'>; readonly neighbours: Tensor<'u32'>; readonly pairs: Tensor<'u32'> };
    parameters: { readonly first_row: number; readonly batch: number; readonly stride: number; readonly edges: number; readonly side: number; readonly contexts: number; readonly window: number; readonly stop: number; readonly seed: number };
    constants: { readonly WORKGROUP?: number };
  };
  'scan/exclusive': {
    bindings: { readonly values: Tensor<'u32'>; readonly sums: Tensor<'u32'> };
    parameters: { readonly count: number };
    constants: { readonly WORKGROUP?: number; readonly POPCOUNT?: number };
  };
  'search/candidate_products': {
    bindings: { readonly database: Tensor<'f32'>; readonly query: Tensor<'f32'>; readonly candidate: Tensor<'i32'>; readonly product: Tensor<'f32'> };
    parameters: { readonly queries: number; readonly candidates: number; readonly width: number; readonly first: number; readonly count: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/candidate_products.subgroups': {
    bindings: { readonly database: Tensor<'f32'>; readonly query: Tensor<'f32'>; readonly candidate: Tensor<'i32'>; readonly product: Tensor<'f32'> };
    parameters: { readonly queries: number; readonly candidates: number; readonly width: number; readonly first: number; readonly count: number };
    constants: {};
  };
  'search/candidate_topk': {
    bindings: { readonly candidate: Tensor<'i32'>; readonly product: Tensor<'f32'>; readonly ids: Tensor<'i32'>; readonly products: Tensor<'f32'>; readonly scratch: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly candidates: number; readonly k: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/candidate_topk.lanes': {
    bindings: { readonly candidate: Tensor<'i32'>; readonly product: Tensor<'f32'>; readonly ids: Tensor<'i32'>; readonly products: Tensor<'f32'>; readonly scratch: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly candidates: number; readonly k: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/hamming_bound': {
    bindings: { readonly slices: Tensor<'u32'>; readonly query: Tensor<'u32'>; readonly target_count: Tensor<'u32'>; readonly bound: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly count: number; readonly bits: number };
    constants: { readonly WORKGROUP?: number; readonly WORDS?: number; readonly LEVELS?: number };
  };
  'search/hamming_bound.subgroups': {
    bindings: { readonly slices: Tensor<'u32'>; readonly query: Tensor<'u32'>; readonly target_count: Tensor<'u32'>; readonly bound: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly count: number; readonly bits: number };
    constants: { readonly WORDS?: number; readonly LEVELS?: number };
  };
  'search/hamming_collect': {
    bindings: { readonly slices: Tensor<'u32'>; readonly alive: Tensor<'u32'>; readonly query: Tensor<'u32'>; readonly bound: Tensor<'u32'>; readonly wanted: Tensor<'u32'>; readonly counts: Tensor<'u32'>; readonly candidates: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly blocks: number; readonly chunk_blocks: number; readonly own_chunk: number; readonly first_chunk: number; readonly chunks: number; readonly capacity: number };
    constants: { readonly WORKGROUP?: number; readonly WORDS?: number; readonly LEVELS?: number };
  };
  'search/hamming_collect.queue': {
    bindings: { readonly slices: Tensor<'u32'>; readonly alive: Tensor<'u32'>; readonly query: Tensor<'u32'>; readonly bound: Tensor<'u32'>; readonly wanted: Tensor<'u32'>; readonly counts: Tensor<'u32'>; readonly candidates: Tensor<'u32'>; readonly database: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly blocks: number; readonly chunk_blocks: number; readonly own_chunk: number; readonly first_chunk: number; readonly chunks: number; readonly capacity: number };
    constants: { readonly WORDS?: number; readonly LEVELS?: number };
  };
  'search/hamming_collect.subgroups': {
    bindings: { readonly slices: Tensor<'u32'>; readonly alive: Tensor<'u32'>; readonly query: Tensor<'u32'>; readonly bound: Tensor<'u32'>; readonly wanted: Tensor<'u32'>; readonly counts: Tensor<'u32'>; readonly candidates: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly blocks: number; readonly chunk_blocks: number; readonly own_chunk: number; readonly first_chunk: number; readonly chunks: number; readonly capacity: number };
    constants: { readonly WORDS?: number; readonly LEVELS?: number };
  };
  'search/hamming_order': {
    bindings: { readonly counts: Tensor<'u32'>; readonly candidates: Tensor<'u32'>; readonly exclude_offsets: Tensor<'u32'>; readonly exclude_ids: Tensor<'u32'>; readonly bound: Tensor<'u32'>; readonly ids: Tensor<'i32'>; readonly distances: Tensor<'i32'>; readonly scratch: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly chunks: number; readonly chunk_items: number; readonly capacity: number; readonly k: number; readonly bits: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/hamming_slice': {
    bindings: { readonly database: Tensor<'u32'>; readonly slices: Tensor<'u32'> };
    parameters: { readonly first: number; readonly blocks: number; readonly words: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/hamming_topk': {
    bindings: { readonly database: Tensor<'u32'>; readonly alive: Tensor<'u32'>; readonly query: Tensor<'u32'>; readonly wanted: Tensor<'u32'>; readonly counts: Tensor<'u32'>; readonly candidates: Tensor<'u32'>; readonly scratch: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly count: number; readonly chunk_items: number; readonly own_chunk: number; readonly first_chunk: number; readonly chunks: number; readonly capacity: number; readonly bits: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/hamming_topk.lanes': {
    bindings: { readonly database: Tensor<'u32'>; readonly alive: Tensor<'u32'>; readonly query: Tensor<'u32'>; readonly wanted: Tensor<'u32'>; readonly counts: Tensor<'u32'>; readonly candidates: Tensor<'u32'>; readonly scratch: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly count: number; readonly chunk_items: number; readonly own_chunk: number; readonly first_chunk: number; readonly chunks: number; readonly capacity: number; readonly bits: number };
    constants: { readonly WORKGROUP?: number; readonly WIDE?: number };
  };
  'search/inner_products': {
    bindings: { readonly database: Tensor<'f32'>; readonly query: Tensor<'f32'>; readonly score: Tensor<'f32'> };
    parameters: { readonly queries: number; readonly count: number; readonly width: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/inner_products.subgroups': {
    bindings: { readonly database: Tensor<'f32'>; readonly query: Tensor<'f32'>; readonly score: Tensor<'f32'> };
    parameters: { readonly queries: number; readonly count: number; readonly width: number };
    constants: {};
  };
  'search/product_check': {
    bindings: { readonly counts: Tensor<'u32'>; readonly bound: Tensor<'f32'>; readonly products: Tensor<'f32'>; readonly unsure: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly ranks: number; readonly k: number; readonly capacity: number; readonly slack: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/product_collect': {
    bindings: { readonly database: Tensor<'f32'>; readonly query: Tensor<'f32'>; readonly bound: Tensor<'f32'>; readonly exclude_offsets: Tensor<'u32'>; readonly exclude_ids: Tensor<'u32'>; readonly counts: Tensor<'u32'>; readonly candidate: Tensor<'i32'> };
    parameters: { readonly queries: number; readonly first: number; readonly end: number; readonly width: number; readonly ranks: number; readonly capacity: number };
    constants: {};
  };
  'search/score_topk': {
    bindings: { readonly score: Tensor<'f32'>; readonly exclude_offsets: Tensor<'u32'>; readonly exclude_ids: Tensor<'u32'>; readonly ids: Tensor<'i32'>; readonly products: Tensor<'f32'>; readonly scratch: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly count: number; readonly stride: number; readonly k: number };
    constants: { readonly WORKGROUP?: number };
  };
  'search/score_topk.lanes': {
    bindings: { readonly score: Tensor<'f32'>; readonly exclude_offsets: Tensor<'u32'>; readonly exclude_ids: Tensor<'u32'>; readonly ids: Tensor<'i32'>; readonly products: Tensor<'f32'>; readonly scratch: Tensor<'u32'> };
    parameters: { readonly queries: number; readonly count: number; readonly stride: number; readonly k: number };
    constants: { readonly WORKGROUP?: number };
  };
}

export type KernelName = keyof Kernels;
