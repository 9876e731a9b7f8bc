// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/// One place that knows every dialect and pass, for tools.
#ifndef TRINE_PIPELINES_REGISTRATION_H
#define TRINE_PIPELINES_REGISTRATION_H

namespace mlir {
class DialectRegistry;
namespace trine {

/// Registers Trine's dialects, the upstream ones they lower through, and their
/// interface models.
void registerAllDialects(DialectRegistry &registry);

/// Registers Trine's passes and pipelines, and the upstream passes that are
/// useful between them.
void registerAllPasses();

} // namespace trine
} // namespace mlir

#endif
