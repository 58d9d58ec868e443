// The harness of every bench program: Stele beside a rival doing the same work, one table, one verdict.
//
// The two sides alternate, and which of them goes first alternates too, so that a drift of the machine meets both. Each
// is run once unmeasured, then at least kRepetitions times. A figure is the median of its side, shown with the lowest
// and the highest; the ratio is the median of the ratios of the pairs, so that it may differ a little from the quotient
// of the medians, and is less shaken by noise. A ratio is written so that higher is better for Stele.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::bench {

inline constexpr int kRepetitions = 15;

/// How the ratio of a row comes from the figures of its two sides.
enum class Compare {
    higher_is_better,  ///< ours / theirs: rates
    lower_is_better,   ///< theirs / ours: times
    agreement,         ///< of rates: 1 when equal, less when one side is ahead, whichever it is
};

struct Row {
    std::string work;     ///< what is done, on how much data, and the unit in brackets. Names the row for --filter
    std::string against;  ///< what the rival is
    Compare compare = Compare::higher_is_better;
    std::optional<double> at_least;  ///< none: the row informs only
    int repetitions = kRepetitions;
    /// Each does the work once, or for a while, and returns its figure. What they throw ends the program.
    std::function<double()> ours, theirs;
};

class SideBySide {
public:
    /// Reads --quick, --json, --filter TEXT, --repetitions N and --help (prints `about` and exits).
    SideBySide(int argc, char** argv, std::string_view about);

    /// Whether to shrink the data. A row that does says so in its work text.
    bool quick() const noexcept { return quick_; }
    /// Whether a row of this name is to be run: lets a program skip what it would have to prepare.
    bool wants(std::string_view work) const;

    /// Printed above the table: where the two sides ran, and whatever else a reader needs to judge the figures.
    void note(std::string text) { notes_.push_back(std::move(text)); }
    /// Measures both sides, unless the filter leaves the row out.
    void measure(const Row& row);

    /// Prints the table (--json: one object a row) and returns the exit status: 0, 1 if a ratio fell short, 2 if the
    /// filter left nothing.
    int finish() const;

private:
    struct Figure {
        double median = 0, lowest = 0, highest = 0;
    };
    struct Outcome {
        std::string work, against;
        Figure ours, theirs, ratio;
        std::optional<double> at_least;
        bool holds() const { return !at_least || ratio.median >= *at_least; }
    };
    static Figure summarise(std::vector<double> values);
    static std::string show(const Figure& figure);
    static double ratio(Compare compare, double ours, double theirs);
    void print_table() const;
    void print_json() const;

    bool quick_ = false, json_ = false;
    std::string filter_;
    int repetitions_ = kRepetitions;
    std::vector<std::string> notes_;
    std::vector<Outcome> outcomes_;
};

/// The body of main: runs the rows and returns the exit status, which is 3 if something is thrown.
int run(int argc, char** argv, std::string_view about, const std::function<void(SideBySide&)>& rows);

/// How long the work takes, in seconds.
double seconds(const std::function<void()>& work);
/// How often a second the work can be done, tried for at least that long.
double per_second(double at_least_seconds, const std::function<void()>& work);
/// The median time of one work, in seconds: they take turns until that much time has passed.
double median_seconds(double at_least_seconds, const std::vector<std::function<void()>>& works);

}  // namespace stele::bench
