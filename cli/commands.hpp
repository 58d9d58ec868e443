// What the stele command can do: one function a command, each in a file of its own, adds it to the tree of commands.
#pragma once

namespace CLI {
class App;
}

namespace stele::cli {

class Context;

void add_up(CLI::App& app, Context& context);
void add_down(CLI::App& app, Context& context);
void add_status(CLI::App& app, Context& context);
void add_migrate(CLI::App& app, Context& context);
void add_adopt(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_cache(CLI::App& app, Context& context);
void add_config(CLI::App& app, Context& context);
void add_template(CLI::App& app, Context& context);
void add_label(CLI::App& app, Context& context);
void add_index(CLI::App& app, Context& context);
void add_memory(CLI::App& app, Context& context);
void add_embed(CLI::App& app, Context& context);
void add_model(CLI::App& app, Context& context);
void add_demo(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);

}  // namespace stele::cli
