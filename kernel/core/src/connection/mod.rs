//! Connections: doors to the outside that the host owns.
