// A user's own items, for a lane that walks items upwards. The importing file declares `offsets` and `columns`, lists that
// are ascending.

var<private> own_next: u32;
var<private> own_end: u32;

// Begins a walk through the items of a user.
fn begin_own(user: u32) {
  own_next = offsets[user];
  own_end = offsets[user + 1u];
}

// Whether an item is the user's own; no item of one walk may be below the one before it.
fn is_own(item: u32) -> bool {
  while (own_next < own_end && columns[own_next] < item) {
    own_next += 1u;
  }
  return own_next < own_end && columns[own_next] == item;
}
