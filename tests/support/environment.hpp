// The environment as a test wants it.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace stele::test {

/// Has this value while it lives, and its former one afterwards. Not while other threads read the environment.
class EnvironmentVariable {
public:
    EnvironmentVariable(std::string name, const std::string& value) : name_(std::move(name)) {
        if (const char* former = std::getenv(name_.c_str())) former_ = former;
        ::setenv(name_.c_str(), value.c_str(), 1);
    }
    EnvironmentVariable(const EnvironmentVariable&) = delete;
    EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
    ~EnvironmentVariable() {
        if (former_) {
            ::setenv(name_.c_str(), former_->c_str(), 1);
        } else {
            ::unsetenv(name_.c_str());
        }
    }

private:
    std::string name_;
    std::optional<std::string> former_;
};

}  // namespace stele::test
