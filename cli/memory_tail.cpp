#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "interrupt_guard.hpp"
#include "memory_command.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/model_memory.hpp"
#include "text.hpp"
#include "watch_rest.hpp"

namespace stele::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct TailCommand {
    KindOption kind;
    std::string thread;
    std::size_t lines = 10;
};

template <class Item>
void tell(const Output& output, std::string_view what, const Item& item) {
    output.json() ? output.json_line(json({{std::string(what), json_of(item)}}).dump()) : print(output, item);
}

/// Turns by time and identifier.
class ConversationTail {
public:
    ConversationTail(Context& context, const TailCommand& tail)
        : output_(context.output()), conversation_(context.database(), tail.thread), first_(tail.lines) {}

    void look() {
        const MemoryPosition now = conversation_.recall({.limit = 1, .replay = Replay::all}).position;
        if (started_ && now == known_) return;
        std::vector<ConversationTurn> fresh = newer();
        if (!fresh.empty()) last_ = place(fresh.back());
        if (!started_ && first_ == 0) fresh.clear();  // it was only to be known what is there
        for (const ConversationTurn& turn : fresh) tell(output_, "turn", turn);
        known_ = now;
        started_ = true;
        output_.flush();
    }

private:
    using Place = std::pair<Timestamp, Uuid>;

    static Place place(const ConversationTurn& turn) {
        return std::visit([](const auto& each) { return Place(each.created.value(), each.identifier); }, turn);
    }
    /// Page by page, back to what was told last.
    std::vector<ConversationTurn> newer() const {
        constexpr std::size_t kPage = 100;
        std::vector<ConversationTurn> all;
        std::optional<std::string> token;
        do {
            const std::size_t limit = started_ ? kPage : std::max<std::size_t>(first_, 1);
            ConversationPage page = conversation_.fetch(token, static_cast<std::int64_t>(limit));
            std::erase_if(page.turns, [&](const ConversationTurn& turn) { return last_ && place(turn) <= *last_; });
            token = page.turns.size() == kPage && started_ ? page.next : std::nullopt;
            all.insert(all.begin(), page.turns.begin(), page.turns.end());
        } while (token);
        return all;
    }

    const Output& output_;
    const ConversationMemory conversation_;
    const std::size_t first_;
    bool started_ = false;
    std::optional<Place> last_;
    MemoryPosition known_;
};

/// Elements by how many there are: they need not have identifiers.
class ModelTail {
public:
    ModelTail(Context& context, const TailCommand& tail)
        : output_(context.output()),
          database_(context.database()),
          memory_(database_, tail.thread),
          threads_(database_, MemoryKind::models),
          thread_(tail.thread),
          first_(tail.lines) {}

    void look() {
        const MemoryPosition now = memory_.recall({.limit = 1, .replay = Replay::all}).position;
        if (started_ && now == known_) return;
        Transaction moment = database_.begin({.isolation = Isolation::repeatable_read, .read_only = true});
        const auto thread = threads_.in(moment).find(thread_);
        const std::size_t count = thread ? thread->items : 0;
        const std::size_t fresh = !started_ ? first_ : count > count_ ? count - count_ : 0;
        ModelMemoryRecall recalled;
        if (fresh > 0) recalled = memory_.in(moment).recall({.limit = fresh, .replay = Replay::all});
        moment.rollback();
        for (const ModelElement& element : recalled.context) tell(output_, "element", element);
        count_ = count;
        known_ = now;
        started_ = true;
        output_.flush();
    }

private:
    const Output& output_;
    Database& database_;
    const ModelMemory memory_;
    const MemoryThreads threads_;
    const std::string thread_;
    const std::size_t first_;
    bool started_ = false;
    std::size_t count_ = 0;
    MemoryPosition known_;
};

template <class Tail>
void follow(Context& context, const TailCommand& command) {
    constexpr std::chrono::steady_clock::duration kPause = 200ms;
    const InterruptGuard guard({SIGINT, SIGTERM});
    const auto end = context.deadline();
    Tail tail(context, command);
    while (InterruptGuard::caught() == 0 && !(end && end->expired())) {
        const auto start = std::chrono::steady_clock::now();
        tail.look();
        InterruptGuard::rest(rest_after(std::chrono::steady_clock::now() - start, kPause), end);
    }
    if (InterruptGuard::caught() != 0) context.exit = exit_code_of_signal(InterruptGuard::caught());
}

}  // namespace

void add_memory_tail(CLI::App& memory, Context& context) {
    CLI::App* command = memory.add_subcommand("tail", "Prints what is added to a thread, until Ctrl-C");
    auto tail = std::make_shared<TailCommand>();
    add_thread(*command, tail->thread);
    add_kind(*command, tail->kind);
    command->add_option("-l,--lines", tail->lines, "So many of those there are come first, 0 for none (default: 10)")
        ->option_text("N")
        ->check(CLI::Range(0, 100'000));
    command->footer(
        R"(The thread need not exist yet. It looks five times a second, with one cheap statement while nothing happens. What
is stored with a time of the past, and what replaces an older element, is not told. With --json, one object a line:
{"turn":{...}} or {"element":{...}}. With --deadline it ends after that time.

Examples:
  stele memory tail thread-1
  stele memory tail agent-7 --models --lines 0 --json | jq --unbuffered .element)");
    command->callback([&context, tail] {
        tail->kind.models ? follow<ModelTail>(context, *tail) : follow<ConversationTail>(context, *tail);
    });
}

}  // namespace stele::cli
