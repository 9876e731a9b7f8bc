// RUN: trine-opt %s --trine-outline-constant-work --verify-diagnostics

// expected-error @below {{module must have a function '@main'}}
module {}
