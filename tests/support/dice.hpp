// Chances of a randomized test, the same for the same seed.
#pragma once

#include <cstddef>
#include <random>
#include <string>

namespace stele::test {

class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) {}
    /// 0 to end - 1.
    std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
    template <std::size_t N>
    std::string one_of(const char* const (&texts)[N]) {
        return texts[below(N)];
    }

private:
    std::mt19937 random_;
};

}  // namespace stele::test
