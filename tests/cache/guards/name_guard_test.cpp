#include <gtest/gtest.h>

#include "cache/guards/pairs.hpp"

namespace stele {
namespace {

using test::refusal;

class NameGuard : public test::GuardTest {
protected:
    NameGuard() : GuardTest(name_guard()) {}
};

TEST_F(NameGuard, says_which_names_differ) {
    const auto refused = refusal(guard, "How do I descale the Heron?", "How do I descale the Lark?");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->kind, RefusalKind::name);
    EXPECT_EQ(refused->text, "asked for 'Heron', stored for 'Lark'");
    EXPECT_EQ(refusal(guard, "How do I descale the Heron?", "How do I descale it?")->text,
              "'Heron' is only in the question that is asked");
}

TEST_F(NameGuard, a_name_is_the_same_in_any_case_and_with_an_s) {
    accepts("how do i descale the lark", "How do I descale the Lark?");
    accepts("Lark descaling", "How do I descale the Lark?");
    accepts("the Lark's tank", "the tank of the Lark");
    accepts("all Larks", "every Lark");
    accepts("I like Rock'n'Roll and O'Brien", "o'brien, rock'n'roll");
    accepts("Can it use Wi-Fi?", "does it have wifi");
    refuses("how do i descale the heron", "How do I descale the Lark?");
}

TEST_F(NameGuard, capitals_that_name_nothing_are_passed_over) {
    accepts("Hello, I'm lost. Please help, Sir", "i am lost");
    accepts("WHY IS IT SO SLOW", "why is it slow");
    accepts("How To Reset My Password", "password reset");
    accepts("this is URGENT, my order is late", "my order is late");
    accepts("Wie kann ich mein Passwort f\u00fcr das Konto \u00e4ndern?", "wie \u00e4ndere ich das Kennwort?");
    accepts("Is it open on Monday in May?", "is it open then");
}

TEST_F(NameGuard, what_is_quoted_must_be_there) {
    accepts("What does \"access denied\" mean?", "it says access denied, what does that mean?");
    accepts("What does \u201caccess denied\u201d mean?", "What does \u00abAccess denied\u00bb mean?");
    refuses("What does \"access denied\" mean?", "What does \"out of memory\" mean?");
    refuses("What does `git pull` do?", "What does `git push` do?");
}

TEST_F(NameGuard, identifiers_must_be_there) {
    refuses("What does read_file return?", "What does write_file return?");
    refuses("What does parseJson throw?", "What does parseXml throw?");
    refuses("where is /etc/hosts", "where is /etc/passwd");
    refuses("mail to ada@example.com", "mail to bob@example.com");
    refuses("open https://a.example/x", "open https://a.example/y");
    refuses("What is os.path for?", "What is os.environ for?");
    refuses("std::map", "std::set");
    refuses("use --force", "use --quiet");
    refuses("error E404", "error E500");
    refuses("code SPRING10", "code SPRING20");
    refuses("0xdeadbeef", "0xdeadbabe");
    refuses("job 550e8400-e29b-41d4-a716-446655440000", "job 650e8400-e29b-41d4-a716-446655440000");
    accepts("What does read_file return?", "return value of `read_file`?");
    accepts("What does parseJson throw?", "exceptions of parsejson");
    accepts("e.g. a machine, and/or a grinder", "a machine or a grinder");
}

TEST_F(NameGuard, acronyms_must_be_there) {
    refuses("Do you ship to the USA?", "Do you ship to the EU?");
    accepts("what is vat", "What is VAT?");
}

TEST_F(NameGuard, amounts_are_left_to_the_other_guard) {
    accepts("a 5kg bag on the 3rd at 10:30", "a five kilo bag");
    accepts("$5", "5 dollars");
}

TEST_F(NameGuard, words_that_are_no_names_here_can_be_named) {
    refuses("What is the Brindlewick Club?", "What is the Club?");
    EXPECT_FALSE(refusal(name_guard({"Brindlewick"}), "What is the Brindlewick Club?", "What is the Club?"));
}

}  // namespace
}  // namespace stele
