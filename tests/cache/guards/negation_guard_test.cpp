#include <gtest/gtest.h>

#include "cache/guards/pairs.hpp"

namespace stele {
namespace {

using test::refusal;

class NegationGuard : public test::GuardTest {
protected:
    NegationGuard() : GuardTest(negation_guard()) {}
};

TEST_F(NegationGuard, says_what_it_saw) {
    const auto refused = refusal(guard, "Is it not safe?", "Is it safe?");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->kind, RefusalKind::negation);
    EXPECT_EQ(refused->text, "'not' is only in the question that is asked");
    EXPECT_EQ(refusal(guard, "How do I enable it?", "How do I disable it?")->text,
              "asked and stored are opposites: enabl / disabl");
}

TEST_F(NegationGuard, a_negation_in_one_question_only_is_refused) {
    refuses("Why does it work?", "Why doesn't it work?");
    refuses("Which machines fit?", "Which machines do not fit?");
    refuses("Can I order with an account?", "Can I order without an account?");
    refuses("It never rains here", "It rains here");
    refuses("Why can\u2019t I log in?", "How can I log in?");
    refuses("why cant I log in", "how do I log in");
    refuses("Kann ich ohne Konto bestellen?", "Kann ich mit Konto bestellen?");
    refuses("Warum geht es nicht?", "Warum geht es?");
    refuses("Ich habe kein Konto", "Ich habe ein Konto");
    refuses("Pourquoi \u00e7a ne marche pas ?", "Pourquoi \u00e7a marche ?");
    refuses("avec un compte", "sans compte");
}

TEST_F(NegationGuard, the_same_negation_in_other_words_passes) {
    accepts("Why does it not work?", "Why doesn't it work?");
    accepts("I am unable to log in", "I cannot log in");
    accepts("Login fails", "I cannot log in");
    accepts("My order has not arrived", "My order never arrived");
    accepts("no pressure when I brew", "it brews without pressure");
    accepts("I don't remember my password", "I forgot my password");
    accepts("The pump isn't working, it doesn't draw water", "The pump does not work");
}

TEST_F(NegationGuard, two_negations_are_none) {
    accepts("It is not impossible to open", "It is possible to open");
    accepts("Do not enable the alarm", "Disable the alarm");
}

TEST_F(NegationGuard, what_says_something_of_the_asker_only_is_no_negation) {
    accepts("I don't know how to reset it", "How do I reset it?");
    accepts("I can't find my invoice", "Where do I find my invoice?");
    accepts("Can't I pay by card?", "Can I pay by card?");
    accepts("You ship to Norway, don't you?", "Do you ship to Norway?");
    accepts("No, I mean the other one", "I mean the other one");
    accepts("Is it safe or not?", "Is it safe?");
}

TEST_F(NegationGuard, needing_is_the_other_side_of_going_without) {
    accepts("Do I need an account to order?", "Can I order without an account?");
}

TEST_F(NegationGuard, opposites_are_refused) {
    refuses("How do I turn on two-factor authentication?", "How do I turn off two-factor authentication?");
    refuses("turn the alarm on", "turn the alarm off");
    refuses("How do I add a user?", "How do I remove a user?");
    refuses("increasing the limit", "decreasing the limit");
    refuses("before the first use", "after the first use");
    refuses("open the lid", "close the lid");
    refuses("start the server", "stop the server");
    refuses("How do I connect it to Wi-Fi?", "How do I disconnect it from Wi-Fi?");
    refuses("lock my account", "unlock my account");
    refuses("subscribe to the letter", "unsubscribe from the letter");
    refuses("Is it available?", "Is it unavailable?");
    refuses("upgrade my plan", "downgrade my plan");
    refuses("Wie kann ich es aktivieren?", "Wie kann ich es deaktivieren?");
    refuses("T\u00fcr \u00f6ffnen", "T\u00fcr schlie\u00dfen");
    refuses("ouvrir le compte", "fermer le compte");
    refuses("How do I get from Rome to Paris?", "How do I get from Paris to Rome?");
    refuses("Am I able to log in?", "Why am I unable to log in?");
}

TEST_F(NegationGuard, synonyms_and_words_used_by_both_pass) {
    accepts("How do I enable it?", "How do I turn it on?");
    accepts("How do I delete my account?", "How do I remove my account?");
    accepts("swap the old one for the new one", "the new one instead of the old one");
    accepts("10% off on shoes", "shoes at 10% off");
    accepts("How do I install the app?", "How do I stall?");
    accepts("Do you sell gift cards?", "Where can I buy a gift card?");
    accepts("I received the wrong item", "You sent me the wrong item");
    accepts("from Rome to Paris", "to Paris from Rome");
    accepts("How do I descale my machine?", "How do I remove scale from my machine?");
}

}  // namespace
}  // namespace stele
