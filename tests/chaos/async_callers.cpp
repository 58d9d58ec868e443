#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "chaos/callers.hpp"
#include "stele/asio.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

/// One caller: thinks, calls, is called back, thinks. All of it on the thread that runs the context.
class AsyncCaller {
public:
    AsyncCaller(AsyncDatabase database, Seat& seat, const Signals& signals)
        : database_(std::move(database)), seat_(seat), signals_(signals), timer_(database_.get_executor()) {}

    void think() {
        if (signals_.stop) return;
        timer_.expires_after(seat_.work.pause());
        timer_.async_wait([this](boost::system::error_code) { call(); });
    }
    /// Nobody will hear of its call any more.
    bool lost() const { return under_way_ && under_way_->clock.now() > under_way_->call.deadline.point() + slack(); }
    bool idle() const { return !under_way_; }
    void give_up() {
        if (under_way_) seat_.record.fault(under_way_->call, "it never ended");
    }

private:
    struct UnderWay {
        Call call;
        FairClock clock;
    };

    void call() {
        under_way_.emplace(UnderWay{seat_.work.next(signals_.calm, seat_.record), FairClock(signals_.pulse)});
        const Call& call = under_way_->call;
        const auto ended = [this](const std::exception_ptr& error, const auto& answer) {
            const UnderWay over = *std::move(under_way_);
            under_way_.reset();
            if (error) {
                failed(over, error);
            } else {
                answered(over, answer);
            }
            think();
        };
        if (call.kind == Call::Kind::blind_insert) {
            database_.async_execute(call.statements[0], call.deadline, ended);
        } else if (call.statements.size() > 1) {
            database_.async_run(call.statements, call.deadline, ended);
        } else {
            database_.async_query(call.statements[0], call.deadline, ended);
        }
    }
    void answered(const UnderWay& over, std::uint64_t affected) {
        seat_.record.answered(over.call, affected, over.clock.now());
    }
    void answered(const UnderWay& over, const Rows& rows) {
        seat_.record.answered(over.call, std::span(&rows, 1), over.clock.now());
    }
    void answered(const UnderWay& over, const std::vector<Rows>& answers) {
        seat_.record.answered(over.call, answers, over.clock.now());
    }
    void failed(const UnderWay& over, const std::exception_ptr& why) {
        try {
            std::rethrow_exception(why);
        } catch (const Error& error) {
            seat_.record.failed(over.call, error.info(), over.clock.now());
        } catch (const std::exception& error) {
            seat_.record.fault(over.call, error.what());
        }
    }

    AsyncDatabase database_;
    Seat& seat_;
    const Signals& signals_;
    asio::steady_timer timer_;
    std::optional<UnderWay> under_way_;
};

}  // namespace

void AsyncCallers::run(std::deque<Seat>& seats, const Signals& signals) {
    auto context = std::make_unique<asio::io_context>();
    std::deque<AsyncCaller> callers;
    for (Seat& seat : seats) {
        callers.emplace_back(AsyncDatabase(database_, context->get_executor()), seat, signals).think();
    }
    const auto over = [](const AsyncCaller& caller) { return caller.idle() || caller.lost(); };
    do {
        context->run_for(100ms);
    } while (!context->stopped() && !(signals.stop && std::all_of(callers.begin(), callers.end(), over)));
    for (AsyncCaller& caller : callers) caller.give_up();
    if (!context->stopped()) (void)context.release();  // a call that ends after all still needs it
}

}  // namespace stele::test
