//! One active instance of a program among several hosts.
fn main() {}
