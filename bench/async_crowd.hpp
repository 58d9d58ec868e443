// Many callers that do not wait, on one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "entries.hpp"
#include "stele/asio.hpp"

namespace stele::bench {

/// So many callers, each with keys of its own, ask for one key after the other until the time is over. One thread runs
/// their handlers; Stele's talks to the server. Every answer is checked. Returns the answers a second.
double async_select_per_second(const Database& database, std::vector<Keys>& keys, std::size_t callers,
                               std::chrono::duration<double> time, const std::function<Statement(Statement)>& mark);

}  // namespace stele::bench
