// What all variants of search/hamming_collect share: one invocation meets the items of one chunk in order of id, for four
// queries, and lists those that can still be among the best. The importing file declares the tensors.
#import entry

// Per query: listed items from which on the bound falls.
var<private> goals: vec4u;
// Items at this distance or further are out of the question.
var<private> bounds: vec4u;
// Items listed.
var<private> listed: vec4u;
// Items met so far that are closer than the bound, and than one less.
var<private> within: vec4u;
var<private> closer: vec4u;

// Groups of four queries, and the one of this invocation: lanes beyond the last group load with the others and list
// nothing.
var<private> groups: u32;
var<private> own: u32;
// The list of the first of the four queries.
var<private> list: u32;

// `chunk` is counted from the beginning of the buffer.
fn begin_lists(group: u32, chunk: u32) {
  groups = (parameters.queries + 3u) / 4u;
  own = min(group, groups - 1u);
  list = own * 4u * parameters.chunks + parameters.first_chunk + chunk;
  bounds = bound[own];
  if (group >= groups) {
    bounds = vec4u();
  }
  goals = wanted[own];
  listed = vec4u();
  within = vec4u();
  closer = vec4u();
}

// Lists an item for one of the four queries if it is still within the bound; `place` is counted in the chunk.
fn list_item(component: u32, distance: u32, place: u32) {
  if (distance >= bounds[component]) {
    return;
  }
  let entry = listed[component];
  listed[component] = entry + 1u;
  if (entry < parameters.capacity) {
    candidates[(list + component * parameters.chunks) * parameters.capacity + entry] = entry_of(distance, place);
  }
  within[component] += 1u;
  closer[component] += select(0u, 1u, distance + 1u < bounds[component]);
  // With as many as are wanted, an item as far away as the furthest of them comes too late: ties go by id. Items
  // closer than the next bound but one are not counted, which lowers it later than possible and never too early.
  if (within[component] >= goals[component]) {
    bounds[component] -= 1u;
    within[component] = closer[component];
    closer[component] = 0u;
  }
}

fn end_lists(group: u32) {
  if (group < groups) {
    counts[list] = listed.x;
    counts[list + parameters.chunks] = listed.y;
    counts[list + 2u * parameters.chunks] = listed.z;
    counts[list + 3u * parameters.chunks] = listed.w;
  }
}
