// The other side of a process that a test drives: a line an order, a line an answer.
#pragma once

#include <sys/prctl.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <string>

namespace stele::test {

/// Makes an Orders of `given`, says "ready", and answers each line of the standard input with what its obey(line)
/// gives, until the end. Anything may be answered by "error TEXT". Dies with the test, also while it is stopped.
template <class Orders, class... Given>
void obey_orders(const Given&... given) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto answer = [](const auto& work) {
        try {
            std::cout << work() << std::endl;
        } catch (const std::exception& error) {
            std::string text = error.what();
            for (char& letter : text) letter = letter == '\n' ? ' ' : letter;
            std::cout << "error " << text << std::endl;
        }
    };
    std::optional<Orders> orders;
    answer([&] {
        orders.emplace(given...);
        return "ready";
    });
    for (std::string line; orders && std::getline(std::cin, line);) answer([&] { return orders->obey(line); });
}

}  // namespace stele::test
