// Runs the built stele command.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace stele::test {

struct Outcome {
    int exit = -1;  ///< 128 + the signal, when one ended it
    std::string out;
    std::string err;

    nlohmann::json document() const { return nlohmann::json::parse(out); }
    nlohmann::json error() const { return nlohmann::json::parse(err).at("error"); }
};

using Environment = std::map<std::string, std::string>;

/// With `input` on standard input, neither output a terminal. Variables that name a server or change the output are
/// taken out of the environment (those that say where programs and models are stay) before `environment` is put in.
Outcome run_stele(const std::vector<std::string>& arguments, const Environment& environment = {},
                  const std::string& input = {});
/// The same for any program.
Outcome run_program(const std::vector<std::string>& words, const Environment& environment = {},
                    const std::string& input = {});

}  // namespace stele::test
