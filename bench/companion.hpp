// A process that answers questions: a rival in another language, or this program afresh.
#pragma once

#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace stele::bench {

/// A started program. It reads questions from its standard input and writes answers to its standard output, each a JSON
/// object on one line. For one thread.
class Companion {
public:
    /// The first word is looked for in PATH. Throws std::runtime_error if it cannot be started.
    explicit Companion(const std::vector<std::string>& words);
    Companion(const Companion&) = delete;
    Companion& operator=(const Companion&) = delete;
    /// Closes its input and waits for its end.
    ~Companion();

    /// Throws std::runtime_error if it has ended, or with the text of the "error" that it answers.
    nlohmann::json ask(const nlohmann::json& question);

private:
    std::string name_;
    int socket_ = -1;
    pid_t pid_ = 0;
};

}  // namespace stele::bench
