#include "stele/dsn.hpp"

#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "postgres/dsn_environment.hpp"
#include "postgres/dsn_text.hpp"

namespace stele {
namespace {

using Parameters = std::map<std::string, std::string>;

/// What haiway lets a DSN leave out, where it is looked for, and what it is in the end.
struct Part {
    const char* keyword;
    const char* postgres_variable;
    const char* libpq_variable;
    const char* literal;  // null: libpq's default is the same
};
// sslmode has no literal: it would be libpq's own default, and would stand in the way of sslrootcert=system.
constexpr std::array<Part, 6> kParts{{
    {"host", "POSTGRES_HOST", "PGHOST", "localhost"},
    {"port", "POSTGRES_PORT", "PGPORT", "5432"},
    {"dbname", "POSTGRES_DATABASE", "PGDATABASE", "postgres"},
    {"user", "POSTGRES_USER", "PGUSER", "postgres"},
    {"password", "POSTGRES_PASSWORD", "PGPASSWORD", "postgres"},
    {"sslmode", "POSTGRES_SSLMODE", "PGSSLMODE", nullptr},
}};
constexpr std::array kPoolNames{"connections", "connection_limit", "maxsize", "max_size"};
constexpr std::size_t kHaiwayPoolSize = 1;
constexpr std::array kServerVariables{"POSTGRES_HOST",     "POSTGRES_PORT", "POSTGRES_DATABASE", "POSTGRES_USER",
                                      "POSTGRES_PASSWORD", "PGHOST",        "PGHOSTADDR",        "PGPORT",
                                      "PGDATABASE",        "PGUSER",        "PGPASSWORD",        "PGSERVICE"};
constexpr std::array kModes{"", "disable", "allow", "prefer", "require", "verify-ca", "verify-full"};

tl::unexpected<ErrorInfo> refused(std::string message) {
    return fail(make_error(ErrorCode::invalid_argument, std::move(message)));
}

const std::set<std::string, std::less<>>& libpq_keywords() {
    static const std::set<std::string, std::less<>> keywords = [] {
        const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse("", nullptr),
                                                                                   &PQconninfoFree);
        std::set<std::string, std::less<>> names;
        for (const auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
            names.insert(option->keyword);
        }
        return names;
    }();
    return keywords;
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

bool is_secret(std::string_view name) {
    return name == "password" || name == "sslpassword";
}

tl::unexpected<ErrorInfo> unknown_parameter(const std::vector<DsnSetting>& settings, std::size_t at) {
    const std::string& name = settings[at].name;
    // A password with a blank or '&' in it, written plainly, goes on in the next name.
    if (at > 0 && is_secret(settings[at - 1].name)) {
        return refused(
            "connection string: unknown parameter behind the password; put a password with blanks in single quotes, or "
            "percent-encode it in a URI");
    }
    // One with a '?' in it, too; then the '@' before the host follows in a value.
    const auto could_show = [&](const DsnSetting& setting) {
        if (!is_secret(setting.name)) return setting.value.find('@') != std::string::npos;
        return name.find(setting.value) != std::string::npos || setting.value.find(name) != std::string::npos;
    };
    const bool showable = is_name(name) && std::none_of(settings.begin(), settings.end(), could_show);
    return refused("connection string: unknown parameter" + (showable ? " \"" + name + "\"" : std::string()) +
                   "; known are libpq's, ssl, pooler, connections, connection_limit, maxsize and max_size");
}

/// haiway's spellings of sslmode, as libpq's. `name` says where the value was given.
Result<std::string> ssl_mode(std::string_view value, std::string_view name) {
    value.remove_prefix(std::min(value.size(), value.find_first_not_of(kDsnBlanks)));
    std::string mode(value.substr(0, value.find_last_not_of(kDsnBlanks) + 1));
    std::transform(mode.begin(), mode.end(), mode.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (mode == "true") return "require";  // as libpq reads JDBC's ssl=true
    if (mode == "false") return "disable";
    if (std::find(kModes.begin(), kModes.end(), mode) != kModes.end()) return mode;
    return refused(std::string(name) +
                   " must be disable, allow, prefer, require, verify-ca, verify-full, true or false");
}

template <class Number>
bool is_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

Result<std::size_t> pool_size(std::string_view value, std::string_view name) {
    std::size_t size = 0;
    if (is_number(value, size) && size >= 1) return size;
    return refused(std::string(name) + " must be a whole number of connections, at least 1");
}

Result<Pooler> pooler_of(std::string_view value, std::string_view name) {
    if (value == "none") return Pooler::none;
    if (value == "transaction") return Pooler::transaction;
    return refused(std::string(name) + " must be none or transaction");
}

std::vector<std::string_view> items(std::string_view list) {
    std::vector<std::string_view> out;
    for (;;) {
        const auto comma = list.find(',');
        out.push_back(list.substr(0, comma));
        if (comma == std::string_view::npos) return out;
        list.remove_prefix(comma + 1);
    }
}

/// libpq takes one port, or a list with one for each host, in which an empty one is the default.
Result<void> check_ports(std::string_view ports, std::string_view name) {
    for (const std::string_view port : items(ports)) {
        int number = 0;
        if (!port.empty() && !(is_number(port, number) && number >= 1 && number <= 65535)) {
            return refused(std::string(name) +
                           " must be a number from 1 to 65535, or a list with one for each host; in a URI, write '/', "
                           "'?', '@' and ':' inside a user name or password as %2F, %3F, %40 and %3A");
        }
    }
    return {};
}

class Builder {
public:
    explicit Builder(const DsnEnvironment& environment) : environment_(environment) {}

    Result<void> take(const DsnText& text) {
        is_uri_ = text.is_uri;
        Parameters own;  // what libpq does not know
        for (std::size_t i = 0; i < text.settings.size(); ++i) {
            const auto& [name, value] = text.settings[i];
            const bool is_own = name == "ssl" || name == "pooler" ||
                                std::find(kPoolNames.begin(), kPoolNames.end(), name) != kPoolNames.end();
            if (!is_own && libpq_keywords().count(name) == 0) return unknown_parameter(text.settings, i);
            (is_own ? own : parameters_)[name] = value;
        }
        auto ssl = ssl_mode(own["ssl"], "ssl");
        if (!ssl) return fail(std::move(ssl.error()));
        auto mode = ssl_mode(parameters_["sslmode"], "sslmode");
        if (!mode) return fail(std::move(mode.error()));
        parameters_["sslmode"] = std::move(mode->empty() ? *ssl : *mode);
        for (const char* name : kPoolNames) {
            const auto found = own.find(name);
            if (found == own.end()) continue;
            auto size = pool_size(found->second, name);
            if (!size) return fail(std::move(size.error()));
            pool_size_ = *size;
            break;
        }
        if (const std::string& named = own["pooler"]; !named.empty()) {
            auto pooler = pooler_of(named, "pooler");
            if (!pooler) return fail(std::move(pooler.error()));
            pooler_ = *pooler;
        }
        std::erase_if(parameters_, [](const auto& parameter) { return parameter.second.empty(); });
        return has("port") ? check_ports(parameters_["port"], "port") : Result<void>();
    }

    Result<void> fill_from_environment() {
        // A service file can hold any part; it is read by libpq, when it connects.
        const bool names_service = has("service");
        for (const Part& part : kParts) {
            if (names_service || is_given(part)) continue;
            const auto value = environment_.variable(part.postgres_variable);
            if (!value) continue;
            if (auto set = set_from_variable(part, *value); !set) return set;
        }
        take_variable("service", "PGSERVICE");
        if (!has("service")) {
            if (!has("host")) take_variable("hostaddr", "PGHOSTADDR");
            for (const Part& part : kParts) {
                if (!is_given(part)) take_variable(part.keyword, part.libpq_variable);
                if (is_uri_ && !is_given(part) && wants_literal(part)) parameters_[part.keyword] = part.literal;
            }
        }
        if (auto filled = fill_pool_size(); !filled) return filled;
        return fill_pooler();
    }

    Dsn build() { return Dsn::of(std::move(parameters_), pool_size_, pooler_); }

private:
    bool has(const char* keyword) const { return parameters_.count(keyword) != 0; }

    bool is_given(const Part& part) const {
        return has(part.keyword) || (part.keyword == std::string_view("host") && has("hostaddr"));
    }

    void take_variable(const char* keyword, const char* variable) {
        if (has(keyword)) return;
        if (auto value = environment_.variable(variable)) parameters_[keyword] = std::move(*value);
    }

    Result<void> set_from_variable(const Part& part, std::string value) {
        const std::string_view keyword = part.keyword;
        if (keyword == "sslmode") {
            auto mode = ssl_mode(value, part.postgres_variable);
            if (!mode) return fail(std::move(mode.error()));
            value = std::move(*mode);
        } else if (keyword == "port") {
            if (auto checked = check_ports(value, part.postgres_variable); !checked) return checked;
        }
        if (!value.empty()) parameters_[part.keyword] = std::move(value);
        return {};
    }

    bool wants_literal(const Part& part) const {
        if (part.literal == nullptr) return false;
        if (part.keyword != std::string_view("password")) return true;
        // A password file may hold the right one, and libpq looks there only when it is given none.
        if (has("passfile") || environment_.variable("PGPASSFILE")) return false;
        return std::none_of(environment_.homes.begin(), environment_.homes.end(), [](const auto& home) {
            std::error_code ignored;
            return std::filesystem::exists(home / ".pgpass", ignored);
        });
    }

    Result<void> fill_pool_size() {
        if (pool_size_) return {};
        if (const auto value = environment_.variable("POSTGRES_CONNECTIONS")) {
            auto size = pool_size(*value, "POSTGRES_CONNECTIONS");
            if (!size) return fail(std::move(size.error()));
            pool_size_ = *size;
        } else if (is_uri_) {
            pool_size_ = kHaiwayPoolSize;
        }
        return {};
    }

    Result<void> fill_pooler() {
        const auto value = environment_.variable("POSTGRES_POOLER");
        if (pooler_ || !value) return {};
        auto pooler = pooler_of(*value, "POSTGRES_POOLER");
        if (!pooler) return fail(std::move(pooler.error()));
        pooler_ = *pooler;
        return {};
    }

    const DsnEnvironment& environment_;
    bool is_uri_ = false;
    Parameters parameters_;
    std::optional<std::size_t> pool_size_;
    std::optional<Pooler> pooler_;
};

/// "host:port" of each host, with commas.
std::string describe_hosts(std::string_view host_list, std::string_view port_list) {
    const auto hosts = items(host_list);
    const auto ports = items(port_list);
    std::string text;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (i > 0) text += ',';
        const bool is_ipv6 = hosts[i].find(':') != std::string_view::npos && hosts[i].front() != '/';
        const std::string host(hosts[i].empty() ? "local-socket" : hosts[i]);
        text += is_ipv6 ? "[" + host + "]" : host;
        const std::string_view port = ports.size() == 1 ? ports[0] : i < ports.size() ? ports[i] : std::string_view();
        text += ":" + std::string(port.empty() ? "5432" : port);
    }
    return text;
}

}  // namespace

Result<Dsn> parse_dsn(std::string_view text, const DsnEnvironment& environment) {
    auto split = split_dsn(text);
    if (!split) return fail(std::move(split.error()));
    Builder builder(environment);
    if (auto taken = builder.take(*split); !taken) return fail(std::move(taken.error()));
    if (auto filled = builder.fill_from_environment(); !filled) return fail(std::move(filled.error()));
    return builder.build();
}

Result<std::optional<Dsn>> dsn_from_environment(const DsnEnvironment& environment) {
    const bool named = std::any_of(kServerVariables.begin(), kServerVariables.end(),
                                   [&](const char* name) { return environment.variable(name).has_value(); });
    if (!named) return std::nullopt;
    auto dsn = parse_dsn("", environment);
    if (!dsn) return fail(std::move(dsn.error()));
    return std::optional(std::move(*dsn));
}

DsnEnvironment DsnEnvironment::of_process() {
    DsnEnvironment environment;
    environment.variable = [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody in Stele calls setenv
        return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
    };
    // libpq 15 asks the account for its home directory, 16 and later ask $HOME first.
    if (auto home = environment.variable("HOME")) environment.homes.emplace_back(std::move(*home));
    std::array<char, 4096> buffer{};
    passwd account{};
    passwd* found = nullptr;
    if (getpwuid_r(geteuid(), &account, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        environment.homes.emplace_back(account.pw_dir);
    }
    return environment;
}

inline namespace v0 {

Dsn Dsn::parse(std::string_view text) {
    return value_or_raise(parse_dsn(text, DsnEnvironment::of_process()));
}

std::optional<Dsn> Dsn::from_environment() {
    return value_or_raise(dsn_from_environment(DsnEnvironment::of_process()));
}

Dsn Dsn::of(std::map<std::string, std::string> parameters, std::optional<std::size_t> pool_size,
            std::optional<Pooler> pooler) {
    Dsn dsn;
    dsn.parameters_ = std::move(parameters);
    dsn.pool_size_ = pool_size;
    dsn.pooler_ = pooler;
    return dsn;
}

std::string Dsn::describe() const {
    const auto value = [this](const char* keyword) -> std::string {
        const auto found = parameters_.find(keyword);
        return found == parameters_.end() ? std::string() : found->second;
    };
    std::string text = value("user");
    if (!text.empty()) text += '@';
    const std::string hosts = value(parameters_.count("host") != 0 ? "host" : "hostaddr");
    if (hosts.empty() && parameters_.count("service") != 0) {
        text += "service=" + value("service");
    } else {
        text += describe_hosts(hosts, value("port"));
    }
    if (const std::string database = value("dbname"); !database.empty()) text += "/" + database;
    std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

}  // namespace v0
}  // namespace stele
