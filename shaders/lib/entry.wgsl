// An entry of a list of candidates: the distance above the item's place in its chunk of the database.

const PLACE_BITS = 21u;

fn entry_of(distance: u32, place: u32) -> u32 {
  return (distance << PLACE_BITS) | place;
}

fn entry_distance(entry: u32) -> u32 {
  return entry >> PLACE_BITS;
}

fn entry_place(entry: u32) -> u32 {
  return entry & ((1u << PLACE_BITS) - 1u);
}
