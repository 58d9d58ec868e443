#include "async_crowd.hpp"

#include <boost/asio/io_context.hpp>

namespace stele::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Crowd {
    AsyncDatabase database;
    const std::function<Statement(Statement)>& mark;
    Clock::time_point until;
    std::size_t answered = 0;
    std::exception_ptr failure;
};

class Caller {
public:
    Caller(Crowd& crowd, Keys& keys) : crowd_(crowd), keys_(keys) {}

    void ask() {
        key_ = &keys_.draw();
        crowd_.database.async_query(
            crowd_.mark(Statement(kSelect, key_->name_space, key_->query_hash)),
            [this](const std::exception_ptr& failure, const Rows& rows) { answered(failure, rows); });
    }

private:
    void answered(const std::exception_ptr& failure, const Rows& rows) {
        if (failure) {
            crowd_.failure = failure;
            return;
        }
        check(*key_, rows.size(), rows.empty() ? "" : rows[0].get<std::string_view>(std::size_t{0}));
        ++crowd_.answered;
        if (Clock::now() < crowd_.until) ask();
    }

    Crowd& crowd_;
    Keys& keys_;
    const Key* key_ = nullptr;
};

}  // namespace

double async_select_per_second(const Database& database, std::vector<Keys>& keys, std::size_t callers,
                               std::chrono::duration<double> time, const std::function<Statement(Statement)>& mark) {
    boost::asio::io_context context(1);
    const auto begin = Clock::now();
    Crowd crowd{AsyncDatabase(database, context.get_executor()), mark,
                begin + std::chrono::duration_cast<Clock::duration>(time), 0, nullptr};
    std::vector<Caller> all;
    for (std::size_t i = 0; i < callers; ++i) all.emplace_back(crowd, keys[i]);
    for (Caller& caller : all) caller.ask();
    context.run();
    if (crowd.failure) std::rethrow_exception(crowd.failure);
    return static_cast<double>(crowd.answered) / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace stele::bench
