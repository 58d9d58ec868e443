// What the demonstrations have in common.
#pragma once

#include <string>

#include "demo_embedder.hpp"
#include "embedder_options.hpp"
#include "stele/database.hpp"

namespace stele::cli {

class Context;

/// With the tables, in the embedder's own schema unless one was named.
Database open_demo_database(Context& context, const DemoEmbedder& embedder, bool schema_named);

/// `questions`: a file, or empty for those that come with Stele.
void run_documents_demo(Context& context, const std::string& questions, const EmbedderOptions& options,
                        bool schema_named);

}  // namespace stele::cli
