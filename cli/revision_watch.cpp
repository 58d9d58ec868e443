#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "interrupt_guard.hpp"
#include "label_print.hpp"
#include "revision_command.hpp"
#include "text.hpp"
#include "watch_rest.hpp"

namespace stele::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

/// How many contents the memory holds; more than this are asked for again and again.
constexpr std::size_t kKept = 100'000;

/// What was last told of one identifier.
struct Known {
    std::optional<Timestamp> newest;
    std::map<std::string, Timestamp> moves;  ///< by label
};

class Watch {
public:
    Watch(Context& context, const StoreKind& kind, std::optional<std::string> only)
        : context_(context),
          store_(open_store(context.database(), kind, {.kept = kKept})),
          only_(std::move(only)),
          every_(context.database().options().max_staleness) {
        const auto last = store_->labels().history({kind.store, only_, {}}, 1);
        if (!last.empty()) labels_known_until_ = last.front().moved;
        for (const Label& label : store_->labels().list({kind.store, only_, {}})) {
            known_[label.identifier].moves[label.label] = label.moved;
        }
        for (const std::string& identifier : identifiers()) {
            store_->touch(identifier, {});  // before its history, so that what comes after is told
            if (const auto newest = newest_revision(*store_, identifier, {}))
                known_[identifier].newest = newest->created;
        }
    }

    std::size_t size() const {
        return static_cast<std::size_t>(std::count_if(known_.begin(), known_.end(),
                                                      [](const auto& each) { return each.second.newest.has_value(); }));
    }

    void look() {
        const auto start = Clock::now();
        std::set<std::string> now;
        for (const std::string& identifier : identifiers()) now.insert(identifier);
        std::vector<std::string> all(now.begin(), now.end());
        for (const auto& [identifier, known] : known_) {
            if (!now.contains(identifier)) all.push_back(identifier);
        }
        for (const std::string& identifier : all) {
            if (store_->touch(identifier, {})) tell(identifier);
        }
        took_ = Clock::now() - start;
    }

    /// Until the next look, or the end. While what is in memory cannot be trusted every look asks the database for all.
    void rest(const std::optional<Deadline>& end) const { InterruptGuard::rest(rest_after(took_, every_), end); }

private:
    /// Configurations are listed from the memory that follows the database. The list of templates is not kept there, so
    /// it is asked for once a second, and less often where it takes long.
    const std::vector<std::string>& identifiers() {
        const auto start = Clock::now();
        if (only_) {
            listed_ = {*only_};
        } else if (!store_->kind().templates() || start >= list_again_) {
            listed_.clear();
            for (Listed& each : list_all(*store_, {})) listed_.push_back(std::move(each.identifier));
            const auto now = Clock::now();
            list_again_ = now + rest_after(now - start, 1s);
        }
        return listed_;
    }

    void tell(const std::string& identifier) {
        Known& known = known_[identifier];
        tell_revisions(identifier, known);
        tell_labels(identifier, known);
        context_.output().flush();
    }

    void tell_revisions(const std::string& identifier, Known& known) {
        constexpr std::size_t kMost = 1000;
        std::vector<Revision> fresh = store_->history(identifier, {.limit = known.newest ? kMost : 1}, {});
        if (fresh.empty()) {
            if (known.newest) event("removed", identifier, {}, "removed, with all its revisions");
            known.newest.reset();
            return;
        }
        const Timestamp newest = fresh.front().created;
        if (known.newest) {
            std::erase_if(fresh, [&](const Revision& revision) { return revision.created <= *known.newest; });
        }
        std::reverse(fresh.begin(), fresh.end());
        for (const Revision& revision : fresh) {
            event("revision", identifier,
                  {{"revision", to_iso8601(revision.created)},
                   {"author", revision.author ? json(*revision.author) : json()},
                   {"message", revision.message ? json(*revision.message) : json()}},
                  fmt::format("revision {}{}{}", to_iso8601(revision.created),
                              revision.author ? " by " + *revision.author : "",
                              revision.message ? ": " + *revision.message : ""));
        }
        known.newest = newest;
    }

    void tell_labels(const std::string& identifier, Known& known) {
        constexpr std::size_t kMost = 1000;
        std::vector<Label> moves = store_->labels().history({store_->kind().store, identifier, {}}, kMost);
        std::reverse(moves.begin(), moves.end());
        for (const Label& move : moves) {
            const auto before = known.moves.find(move.label);
            const auto told = before == known.moves.end() ? labels_known_until_ : std::optional(before->second);
            if (told && move.moved <= *told) continue;
            known.moves[move.label] = move.moved;
            const std::string where = move.revision ? "revision " + to_iso8601(*move.revision) : "taken away";
            event("label", identifier,
                  {{"label", move.label},
                   {"revision", move.revision ? json(to_iso8601(*move.revision)) : json()},
                   {"author", move.author ? json(*move.author) : json()},
                   {"message", move.message ? json(*move.message) : json()}},
                  fmt::format("label {}: {}{}", move.label, where, move.author ? " by " + *move.author : ""));
        }
    }

    void event(std::string_view change, const std::string& identifier, json details, const std::string& text) const {
        const Output& output = context_.output();
        if (!output.json()) return output.line(one_line(fmt::format("{}: {}", identifier, text)));
        json document = details.is_object() ? std::move(details) : json::object();
        document["change"] = std::string(change);
        document["identifier"] = identifier;
        output.json_line(document.dump());
    }

    Context& context_;
    std::unique_ptr<RevisionStore> store_;
    const std::optional<std::string> only_;
    const std::chrono::milliseconds every_;
    std::map<std::string, Known> known_;
    std::optional<Timestamp> labels_known_until_;  ///< of labels that were not there when this began
    std::vector<std::string> listed_;
    Clock::time_point list_again_{};
    Clock::duration took_{};  ///< the last look
};

void run(Context& context, const StoreKind& kind, const std::optional<std::string>& only) {
    const InterruptGuard guard({SIGINT, SIGTERM});
    const auto end = context.deadline();
    Watch watch(context, kind, only);
    if (context.output().json()) context.output().json_line(json({{"watching", watch.size()}}).dump());
    context.output().note(
        only ? fmt::format("watching {}", one_line(*only))
             : fmt::format("watching {}", count_text(static_cast<std::int64_t>(watch.size()), kind.noun, kind.nouns)));
    context.output().flush();
    while (InterruptGuard::caught() == 0 && !(end && end->expired())) {
        watch.look();
        watch.rest(end);
    }
    if (InterruptGuard::caught() != 0) context.exit = exit_code_of_signal(InterruptGuard::caught());
}

}  // namespace

void add_revision_watch(CLI::App& parent, const StoreKind& kind, Context& context) {
    CLI::App* command =
        parent.add_subcommand("watch", fmt::format("Prints a line for each change of {}, until Ctrl-C", kind.nouns));
    auto only = std::make_shared<std::optional<std::string>>();
    command->add_option("id", *only, fmt::format("This {} only, which need not exist yet (default: all)", kind.noun))
        ->option_text("ID");
    command->footer(fmt::format(
        R"(New revisions, removals and moves of labels, whoever makes them, as they become visible. It follows the log of
changes and asks the database only when something happened{2}.
With --json, one object a line: {{"watching":N}} when it has begun, then those whose "change" is revision, removed
or label. With --deadline it ends after that time.

Examples:
  stele {0} watch
  stele {0} watch {1} --json | jq --unbuffered -r .revision)",
        kind.command, kind.example, kind.templates() ? ";\ntemplates that are new are looked for every second" : ""));
    command->callback([&context, &kind, only] { run(context, kind, *only); });
}

}  // namespace stele::cli
