#include "stele/dsn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "postgres/dsn_environment.hpp"
#include "support/temporary_directory.hpp"

namespace stele {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Variables = std::map<std::string, std::string>;

DsnEnvironment environment(Variables variables = {}, std::vector<std::filesystem::path> homes = {}) {
    DsnEnvironment made;
    made.variable = [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
    };
    made.homes = std::move(homes);
    return made;
}

Dsn parsed(std::string_view text, const Variables& variables = {}) {
    return value_or_raise(parse_dsn(text, environment(variables)));
}

std::string value(const Dsn& dsn, const std::string& keyword) {
    const auto found = dsn.parameters().find(keyword);
    return found == dsn.parameters().end() ? "(none)" : found->second;
}

/// The message with which `text` is refused; a test failure when it is accepted.
std::string refusal(std::string_view text, const Variables& variables = {}) {
    const auto dsn = parse_dsn(text, environment(variables));
    if (dsn) {
        ADD_FAILURE() << "accepted: " << text << " as " << dsn->describe();
        return {};
    }
    EXPECT_EQ(dsn.error().code, ErrorCode::invalid_argument);
    return dsn.error().message;
}

TEST(Dsn, draive_001_a_scheme_other_than_postgres_is_refused) {
    for (const char* text : {"mysql://u:s3cret@h/d", "http://h", "postgresq://h/d", "://h/d", "h/d", "postgres:h/d"}) {
        EXPECT_THAT(refusal(text), AllOf(HasSubstr("postgres://"), Not(HasSubstr("s3cret")))) << text;
    }
    EXPECT_EQ(value(parsed("postgres://h/d"), "host"), "h");
    EXPECT_EQ(value(parsed("postgresql://h/d"), "host"), "h");
    EXPECT_EQ(value(parsed("POSTGRES://h/d"), "host"), "h");
}

TEST(Dsn, draive_002_missing_parts_of_a_uri_take_haiways_defaults) {
    const Dsn dsn = parsed("postgres://");
    EXPECT_THAT(dsn.parameters(),
                UnorderedElementsAre(Pair("host", "localhost"), Pair("port", "5432"), Pair("dbname", "postgres"),
                                     Pair("user", "postgres"), Pair("password", "postgres")));
    EXPECT_EQ(dsn.pool_size(), 1u);
    EXPECT_EQ(parsed("postgresql://:@:/?connections=2").parameters(), dsn.parameters());
}

TEST(Dsn, draive_002_the_default_sslmode_is_prefer) {
    // It is libpq's own default, and so is not written out.
    EXPECT_EQ(value(parsed("postgres://"), "sslmode"), "(none)");
    PQconninfoOption* options = PQconninfoParse("", nullptr);
    std::string compiled;
    for (const auto* option = options; option->keyword != nullptr; ++option) {
        if (option->keyword == std::string_view("sslmode")) compiled = option->compiled;
    }
    PQconninfoFree(options);
    EXPECT_EQ(compiled, "prefer");
}

TEST(Dsn, draive_002_missing_parts_come_from_the_seven_variables_first) {
    const Variables variables{
        {"POSTGRES_HOST", "db"},       {"POSTGRES_PORT", "6000"},   {"POSTGRES_DATABASE", "memory"},
        {"POSTGRES_USER", "ada"},      {"POSTGRES_PASSWORD", "pw"}, {"POSTGRES_SSLMODE", "True"},
        {"POSTGRES_CONNECTIONS", "7"}, {"PGHOST", "other"},         {"PGUSER", "other"},
        {"PGPASSWORD", "other"}};
    for (const char* text : {"postgres://", ""}) {
        const Dsn dsn = parsed(text, variables);
        EXPECT_THAT(dsn.parameters(),
                    UnorderedElementsAre(Pair("host", "db"), Pair("port", "6000"), Pair("dbname", "memory"),
                                         Pair("user", "ada"), Pair("password", "pw"), Pair("sslmode", "require")));
        EXPECT_EQ(dsn.pool_size(), 7u);
    }
    const Dsn given = parsed("postgres://me:mine@here:1/d?sslmode=disable&connections=2", variables);
    EXPECT_THAT(given.parameters(),
                UnorderedElementsAre(Pair("host", "here"), Pair("port", "1"), Pair("dbname", "d"), Pair("user", "me"),
                                     Pair("password", "mine"), Pair("sslmode", "disable")));
    EXPECT_EQ(given.pool_size(), 2u);
}

TEST(Dsn, draive_003_sslmode_beats_ssl_and_the_last_value_wins) {
    EXPECT_EQ(value(parsed("postgres://h/d?sslmode=require&ssl=false"), "sslmode"), "require");
    EXPECT_EQ(value(parsed("postgres://h/d?ssl=false&sslmode=require"), "sslmode"), "require");
    EXPECT_EQ(value(parsed("postgres://h/d?sslmode=require&sslmode=disable"), "sslmode"), "disable");
    EXPECT_EQ(value(parsed("postgres://h/d?ssl=true&ssl=allow"), "sslmode"), "allow");
    EXPECT_EQ(value(parsed("sslmode=require sslmode=disable ssl=true"), "sslmode"), "disable");
    EXPECT_EQ(value(parsed("postgres://h/d?sslmode=require", {{"POSTGRES_SSLMODE", "disable"}}), "sslmode"), "require");
}

TEST(Dsn, draive_004_the_first_named_pool_size_counts_with_its_last_value) {
    EXPECT_EQ(parsed("postgres://h/d?max_size=4&maxsize=3&connection_limit=2&connections=1").pool_size(), 1u);
    EXPECT_EQ(parsed("postgres://h/d?max_size=4&maxsize=3&connection_limit=2").pool_size(), 2u);
    EXPECT_EQ(parsed("postgres://h/d?max_size=4&maxsize=3").pool_size(), 3u);
    EXPECT_EQ(parsed("postgres://h/d?max_size=4").pool_size(), 4u);
    EXPECT_EQ(parsed("postgres://h/d?connections=8&connections=9&max_size=1").pool_size(), 9u);
    EXPECT_EQ(parsed("host=h max_size=4 connections = '12'").pool_size(), 12u);
    EXPECT_EQ(parsed("host=h").pool_size(), std::nullopt);
    EXPECT_EQ(parsed("host=h", {{"POSTGRES_CONNECTIONS", "6"}}).pool_size(), 6u);
    EXPECT_THAT(parsed("postgres://h/d?connections=8").parameters(), Not(Contains(Key("connections"))));
}

TEST(Dsn, names_the_pooler_or_takes_it_from_the_environment) {
    EXPECT_EQ(parsed("postgres://h/d").pooler(), std::nullopt);
    EXPECT_EQ(parsed("postgres://h/d?pooler=transaction").pooler(), Pooler::transaction);
    EXPECT_EQ(parsed("host=h pooler=none", {{"POSTGRES_POOLER", "transaction"}}).pooler(), Pooler::none);
    EXPECT_EQ(parsed("service=s", {{"POSTGRES_POOLER", "transaction"}}).pooler(), Pooler::transaction);
    EXPECT_EQ(parsed("host=h pooler=''").pooler(), std::nullopt);
    EXPECT_EQ(value(parsed("host=h pooler=transaction"), "pooler"), "(none)");  // not for libpq
    EXPECT_THAT(refusal("host=h pooler=statement"), HasSubstr("pooler must be none or transaction"));
    EXPECT_THAT(refusal("host=h", {{"POSTGRES_POOLER", "yes"}}), HasSubstr("POSTGRES_POOLER must be"));
}

TEST(Dsn, draive_004_a_pool_size_that_is_no_positive_integer_is_refused_by_name) {
    for (const char* size : {"", "x", "0", "-1", "1.5", "4x", "99999999999999999999"}) {
        EXPECT_THAT(refusal("postgres://h/d?connection_limit=" + std::string(size)), HasSubstr("connection_limit"));
    }
    EXPECT_THAT(refusal("postgres://h/d?connections=x&max_size=3"), HasSubstr("connections"));
    EXPECT_THAT(refusal("postgres://h/d", {{"POSTGRES_CONNECTIONS", "many"}}), HasSubstr("POSTGRES_CONNECTIONS"));
}

TEST(Dsn, draive_005_percent_encoding_is_decoded_in_every_part) {
    const Dsn dsn = parsed("postgres://a%20b:p%40%2F%3A%25%3F%23%C3%A9@h/d%2Fe?application_name=x%26y%3Dz");
    EXPECT_EQ(value(dsn, "user"), "a b");
    EXPECT_EQ(value(dsn, "password"), "p@/:%?#\u00e9");
    EXPECT_EQ(value(dsn, "dbname"), "d/e");
    EXPECT_EQ(value(dsn, "application_name"), "x&y=z");
}

TEST(Dsn, draive_005_unknown_parameters_are_reported_by_name) {
    EXPECT_THAT(refusal("postgres://h/d?serach_path=x"), HasSubstr("\"serach_path\""));
    EXPECT_THAT(refusal("host=h databse=d"), HasSubstr("\"databse\""));
    EXPECT_THAT(refusal("postgres://h/d?Host=x"), HasSubstr("\"Host\""));
}

TEST(Dsn, draive_006_a_bracketed_ipv6_host_is_understood) {
    const Dsn dsn = parsed("postgres://u:p@[2001:db8::1]:6543/d");
    EXPECT_EQ(value(dsn, "host"), "2001:db8::1");
    EXPECT_EQ(value(dsn, "port"), "6543");
    EXPECT_EQ(dsn.describe(), "u@[2001:db8::1]:6543/d");
    EXPECT_EQ(parsed("postgres://u@[::1],[::2]:7/d").describe(), "u@[::1]:5432,[::2]:7/d");
}

TEST(Dsn, everything_libpq_accepts_passes_through) {
    const Dsn many = parsed("postgres://u@h1:1,h2,h3:3/d?target_session_attrs=read-write&connect_timeout=3");
    EXPECT_EQ(value(many, "host"), "h1,h2,h3");
    EXPECT_EQ(value(many, "port"), "1,,3");
    EXPECT_EQ(value(many, "target_session_attrs"), "read-write");
    EXPECT_EQ(many.describe(), "u@h1:1,h2:5432,h3:3/d");

    EXPECT_EQ(value(parsed("postgres://%2Fvar%2Frun%2Fpostgresql/d"), "host"), "/var/run/postgresql");
    EXPECT_EQ(parsed("postgres:///d?host=/tmp&user=u&port=6000").describe(), "u@/tmp:6000/d");
    EXPECT_EQ(value(parsed("postgres://h/d?options=-c%20search_path=x"), "options"), "-c search_path=x");
    EXPECT_EQ(value(parsed("postgres://u@h?sslrootcert=/a/b&hostaddr=10.0.0.1"), "hostaddr"), "10.0.0.1");
    EXPECT_EQ(value(parsed("postgres://h/d?application_name=a@b"), "application_name"), "a@b");
    EXPECT_EQ(value(parsed("postgres://h/d?&&user=x&"), "user"), "x");
}

TEST(Dsn, the_keyword_form_is_read_as_libpq_reads_it) {
    const Dsn dsn = parsed(R"(  host = h  password='it\'s a \\ secret' user=a\ b dbname= d  port=1 )");
    EXPECT_EQ(value(dsn, "host"), "h");
    EXPECT_EQ(value(dsn, "password"), R"(it's a \ secret)");
    EXPECT_EQ(value(dsn, "user"), "a b");
    EXPECT_EQ(value(dsn, "dbname"), "d");
    EXPECT_EQ(value(parsed("host=h host=i"), "host"), "i");
    EXPECT_EQ(value(parsed(R"(password=a\ )"), "password"), "a ");
    EXPECT_EQ(value(parsed("host='' user=u"), "host"), "(none)");
}

TEST(Dsn, the_keyword_form_takes_no_literals) {
    EXPECT_THAT(parsed("").parameters(), ::testing::IsEmpty());
    EXPECT_THAT(parsed("dbname=d").parameters(), ElementsAre(Pair("dbname", "d")));
    EXPECT_THAT(parsed("dbname=d", {{"PGHOST", "pg"}, {"POSTGRES_USER", "u"}}).parameters(),
                ElementsAre(Pair("dbname", "d"), Pair("host", "pg"), Pair("user", "u")));
}

TEST(Dsn, libpqs_variables_beat_haiways_literals) {
    const Dsn dsn = parsed("postgres://", {{"PGHOST", "/run/pg"}, {"PGUSER", "ada"}, {"PGPASSWORD", "pw"}});
    EXPECT_EQ(value(dsn, "host"), "/run/pg");
    EXPECT_EQ(value(dsn, "user"), "ada");
    EXPECT_EQ(value(dsn, "password"), "pw");
    EXPECT_EQ(value(dsn, "dbname"), "postgres");
}

TEST(Dsn, an_address_stands_for_a_host) {
    for (const Dsn& dsn : {parsed("postgres://?hostaddr=10.0.0.1", {{"POSTGRES_HOST", "h"}, {"PGHOST", "h"}}),
                           parsed("postgres://", {{"PGHOSTADDR", "10.0.0.1"}})}) {
        EXPECT_EQ(value(dsn, "hostaddr"), "10.0.0.1");
        EXPECT_EQ(value(dsn, "host"), "(none)");
        EXPECT_EQ(dsn.describe(), "postgres@10.0.0.1:5432/postgres");
    }
}

TEST(Dsn, beside_a_service_nothing_is_filled_in_that_the_service_file_may_hold) {
    const Variables variables{
        {"POSTGRES_HOST", "h"}, {"POSTGRES_PASSWORD", "p"}, {"PGUSER", "u"}, {"POSTGRES_CONNECTIONS", "3"}};
    const Dsn dsn = parsed("postgres:///d?service=main", variables);
    EXPECT_THAT(dsn.parameters(), ElementsAre(Pair("dbname", "d"), Pair("service", "main")));
    EXPECT_EQ(dsn.pool_size(), 3u);
    EXPECT_EQ(dsn.describe(), "service=main/d");
    // A service from the environment is weaker than POSTGRES_*, as every PG* variable is.
    EXPECT_THAT(parsed("postgres://", {{"PGSERVICE", "main"}, {"POSTGRES_HOST", "h"}, {"PGPORT", "1"}}).parameters(),
                ElementsAre(Pair("host", "h"), Pair("service", "main")));
}

TEST(Dsn, the_literal_password_does_not_shadow_a_password_file) {
    const test::TemporaryDirectory home;
    EXPECT_EQ(value(value_or_raise(parse_dsn("postgres://h/d", environment({}, {home.path()}))), "password"),
              "postgres");
    std::ofstream(home.path() / ".pgpass") << "h:*:*:*:filed\n";
    EXPECT_EQ(value(value_or_raise(parse_dsn("postgres://h/d", environment({}, {home.path()}))), "password"), "(none)");
    EXPECT_EQ(value(parsed("postgres://h/d?passfile=/p"), "password"), "(none)");
    EXPECT_EQ(value(parsed("postgres://h/d", {{"PGPASSFILE", "/p"}}), "password"), "(none)");
    EXPECT_EQ(value(parsed("postgres://h/d?passfile=/p", {{"POSTGRES_PASSWORD", "pw"}}), "password"), "pw");
}

TEST(Dsn, ssl_takes_true_false_and_the_modes_in_any_case) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"true", "require"},          {"FALSE", "disable"}, {"Verify-Full", "verify-full"},
        {"%20require%20", "require"}, {"allow", "allow"},   {"verify-ca", "verify-ca"}};
    for (const auto& [given, mode] : cases) {
        EXPECT_EQ(value(parsed("postgres://h/d?ssl=" + given), "sslmode"), mode);
        EXPECT_EQ(value(parsed("postgres://h/d?sslmode=" + given), "sslmode"), mode);
    }
    EXPECT_THAT(refusal("postgres://h/d?sslmode=yes"), HasSubstr("sslmode must be"));
    EXPECT_THAT(refusal("postgres://h/d?ssl=1"), HasSubstr("ssl must be"));
    EXPECT_THAT(refusal("postgres://h/d", {{"POSTGRES_SSLMODE", "on"}}), HasSubstr("POSTGRES_SSLMODE must be"));
}

TEST(Dsn, a_blank_sslmode_counts_as_not_given) {
    EXPECT_EQ(value(parsed("postgres://h/d?sslmode="), "sslmode"), "(none)");
    EXPECT_EQ(value(parsed("postgres://h/d?sslmode=%20&ssl=true"), "sslmode"), "require");
    EXPECT_EQ(value(parsed("postgres://h/d?sslmode=", {{"POSTGRES_SSLMODE", "require"}}), "sslmode"), "require");
}

TEST(Dsn, a_port_that_is_no_port_is_refused) {
    for (const char* port : {"x", "0", "65536", "1x", "-1"}) {
        EXPECT_THAT(refusal("postgres://h:" + std::string(port) + "/d"), HasSubstr("port must be")) << port;
    }
    EXPECT_THAT(refusal("postgres://h/d", {{"POSTGRES_PORT", "x"}}), HasSubstr("POSTGRES_PORT must be"));
}

TEST(Dsn, malformed_text_is_refused) {
    for (const char* text : {"postgres://[::1/d", "postgres://[]/d", "postgres://[::1]x/d", "postgres://h/d?user",
                             "postgres://h/%zz", "postgres://h/%0", "postgres://h/%00", "postgres://u:%@h/d", "host",
                             "host=h user", "=h", "host='h", "host='h\\"}) {
        EXPECT_THAT(refusal(text), HasSubstr("connection string")) << text;
    }
    EXPECT_THAT(refusal(std::string_view("host=h\0user=u", 13)), HasSubstr("NUL"));
}

TEST(Dsn, a_password_with_an_unencoded_at_sign_ends_at_the_last_one) {
    const Dsn dsn = parsed("postgres://u:p@s:s@h/d");
    EXPECT_EQ(value(dsn, "password"), "p@s:s");
    EXPECT_EQ(dsn.describe(), "u@h:5432/d");
}

TEST(Dsn, no_piece_of_a_badly_written_password_reaches_a_message) {
    // "s3cret" and "hunter" stand for the pieces.
    for (const char* text :
         {"postgres://u:s3cret/hunter@h/d", "postgres://u:12/hunter@h/d", "postgres://u:s3cret?hunter@h/d",
          "postgres://u:12?hunter=1@h/d", "postgres://u:s3cret%hunter@h/d", "postgres://u:s3cret/x?hunter=1@h/d",
          "postgres://s3cret/hunter@h/d", "postgres://u:12/x?hunter=1@h/d", "password=s3cret hunter",
          "password=s3cret hunter=x", "password='s3cret hunter", "password='s3cret'hunter",
          "postgres://h/d?password=s3cret&hunter=1", "postgres://h/d?password=s3cret&hunter",
          "postgres://u:hunter@h/d?hunter=1", "user=hunter password=hunter x", "mysql://u:s3cret@hunter/d",
          "postgres://u:s3cret@h:hunter/d", "postgres://u:s3cret@h:s3cret/d"}) {
        EXPECT_THAT(refusal(text), AllOf(Not(HasSubstr("s3cret")), Not(HasSubstr("hunter")))) << text;
    }
}

TEST(Dsn, a_description_shows_no_password_and_no_control_characters) {
    EXPECT_EQ(parsed("postgres://u:s3cret@h:1/d?sslpassword=s3cret").describe(), "u@h:1/d");
    EXPECT_EQ(parsed("dbname='a\nb' user=u password=s3cret").describe(), "u@local-socket:5432/a?b");
    EXPECT_EQ(Dsn::of({{"host", "/run/stele"}, {"user", "stele"}, {"dbname", "stele"}}).describe(),
              "stele@/run/stele:5432/stele");
}

TEST(Dsn, any_password_survives_encoding_and_never_shows) {
    std::mt19937 random(20240601);
    std::uniform_int_distribution<int> byte(1, 255);
    for (int round = 0; round < 2000; ++round) {
        std::string password = "S3CRET";
        std::string encoded = password;
        std::string quoted = password;
        for (int i = 0; i < 12; ++i) {
            const auto c = static_cast<char>(byte(random));
            char hex[4];
            std::snprintf(hex, sizeof hex, "%%%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
            password += c;
            encoded += hex;
            quoted += {'\\', c};
        }
        const Dsn uri = parsed("postgres://u:" + encoded + "@h/d");
        EXPECT_EQ(value(uri, "password"), password);
        EXPECT_THAT(uri.describe(), Not(HasSubstr("S3CRET")));
        const Dsn keywords = parsed("user=u password='" + quoted + "' host=h");
        EXPECT_EQ(value(keywords, "password"), password);
        EXPECT_THAT(keywords.describe(), Not(HasSubstr("S3CRET")));
        EXPECT_THAT(refusal("postgres://u:" + encoded + "@h:bad/d"), Not(HasSubstr("S3CRET")));
    }
}

TEST(Dsn, without_a_variable_that_names_a_server_the_environment_describes_none) {
    EXPECT_FALSE(value_or_raise(dsn_from_environment(environment())).has_value());
    EXPECT_EQ(
        value_or_raise(dsn_from_environment(environment(
            {{"POSTGRES_SSLMODE", "require"}, {"POSTGRES_CONNECTIONS", "4"}, {"PGAPPNAME", "x"}, {"PGHOST", ""}}))),
        std::nullopt);
}

TEST(Dsn, each_variable_that_names_a_server_is_enough) {
    for (const char* name :
         {"POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DATABASE", "POSTGRES_USER", "POSTGRES_PASSWORD", "PGHOST",
          "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE"}) {
        const auto dsn = value_or_raise(dsn_from_environment(environment({{name, "5433"}})));
        ASSERT_TRUE(dsn.has_value()) << name;
        EXPECT_THAT(dsn->parameters(), ElementsAre(Pair(::testing::_, "5433"))) << name;
        EXPECT_EQ(dsn->pool_size(), std::nullopt);
    }
}

TEST(Dsn, the_process_environment_ignores_empty_variables) {
    ASSERT_EQ(setenv("STELE_DSN_TEST", "", 1), 0);
    EXPECT_EQ(DsnEnvironment::of_process().variable("STELE_DSN_TEST"), std::nullopt);
    ASSERT_EQ(setenv("STELE_DSN_TEST", "x", 1), 0);
    EXPECT_EQ(DsnEnvironment::of_process().variable("STELE_DSN_TEST"), "x");
    unsetenv("STELE_DSN_TEST");
    EXPECT_FALSE(DsnEnvironment::of_process().homes.empty());
}

}  // namespace

}  // namespace stele
