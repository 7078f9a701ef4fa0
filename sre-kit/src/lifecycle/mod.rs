//! From the first byte served to an exit that loses nothing.
