// Another process with stores: drives the program of process.cpp.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace stele::test {

/// What a load answered.
struct Loaded {
    std::string content;  ///< "none": there is none
    bool kept = false;    ///< it came from memory
};

/// Runs while it lives. For one thread. What the other process fails at is thrown as std::runtime_error.
class Process {
public:
    /// `program`: where it is. `options`: see process.cpp.
    Process(const std::string& program, const std::string& dsn, const std::string& schema,
            const std::vector<std::string>& options = {});
    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;
    ~Process() { end(); }

    Loaded load(const std::string& key) {
        tell("load " + key);
        return hear_load();
    }
    /// In its transaction.
    std::string inside(const std::string& key) { return ask("inside " + key); }
    void define(const std::string& key, const std::string& content) { ask("define " + key + ' ' + content); }
    void remove(const std::string& key) { ask("remove " + key); }
    void begin() { ask("begin"); }
    void commit() { ask("commit"); }
    void rollback() { ask("rollback"); }

    std::string ask(const std::string& order) {
        tell(order);
        return hear();
    }
    // The two halves, for an order that is given while the process stands still.
    void tell(const std::string& order);
    std::string hear();
    Loaded hear_load();

    /// SIGSTOP: returns when it stands still. SIGCONT.
    void hold();
    void go_on();

private:
    void end() noexcept;

    pid_t pid_ = 0;
    int socket_ = -1;
    std::string heard_;  // beyond the last line
};

}  // namespace stele::test
