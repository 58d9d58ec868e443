// The parts of `stele model`.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace stele::cli {

class Context;

/// Where `install` and `remove` work. Throws Error(invalid_argument) when there is no home directory.
std::filesystem::path models_target(bool system);
/// "minilm and bge-small"
std::string known_names();
/// "minilm|bge-small", for help and completion.
std::string known_choices();
/// Those of the search path that the catalog does not know, in its order, each once.
std::vector<std::string> other_models(const std::vector<std::filesystem::path>& search);

void add_model_install(CLI::App& model, Context& context);
void add_model_list(CLI::App& model, Context& context);
void add_model_verify(CLI::App& model, Context& context);
void add_model_remove(CLI::App& model, Context& context);

}  // namespace stele::cli
