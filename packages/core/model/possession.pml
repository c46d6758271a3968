/* Proof of possession (SPEC sections 4 to 7): who may have a call cleared, and how often.
 *
 *   sh model/check.sh        no run breaks a claim, and each mistake in check.sh is found
 *
 * Holders: A, whom a grant was minted for; C, to whom A may delegate; both honest: they delegate and prove what they
 * mean to, once each. B is the intruder, who also is somebody to whom A may delegate. B sees every message, holds
 * every token and proof ever sent, may present any of them to anybody, any number of times, in any order, with
 * any other token, call, number, nonce or time, may sign and MAC whatever it likes under its own key, and restarts
 * verifiers. It can't make another's signature or MAC: a proof and a ticket are records that only their maker adds.
 * Verifiers: 0 and 1 are replicas of one service (one audience, one X25519 key), 2 is another service.
 *
 * Three ways of keeping what was used, one to a run: -DSIGNED (signed proofs, nonces in a common ledger), -DOWN
 * (sessions, each verifier's windows in its memory), -DSHARED (sessions, windows in the ledger). Between the check of a
 * proof and the ledger's step anything may happen. The ledger drops rows when they are over, and may lose all of
 * them once (an operator's reset). Clocks: with a ledger a verifier's may lag by SKEW; without one it may be set back
 * at will.
 *
 * Claims, asserted where a call is cleared: the holder of the token shown proved this token, this call, for this
 * audience; each proof is cleared once, by whatever verifier; the grant was minted and each delegation signed by who
 * held the token before, for this prefix and this child; no proof is taken after its time, no session after its ticket's.
 */
#ifndef NP
#define NP 2            /* proofs that are made */
#endif
#ifndef NK
#define NK 1            /* tickets that are signed */
#endif
#ifndef DELEGATIONS
#define DELEGATIONS 0   /* delegations that A makes */
#endif
#ifndef LAST
#define LAST 5          /* the last moment */
#endif
#ifndef NUMBERS
#define NUMBERS 2       /* the highest number of a session */
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#define AGE 1           /* a proof's age, the skew of clocks, a ticket's longest life */
#define SKEW 1
#define LIFE 2
#define W 2             /* the window of numbers */

#define A 0
#define C 1
#define B 2

/* Tokens. 0 is the grant. The odd ones have a restriction in front of what follows: what it says does not matter here.
 * 2, 3 are delegated to C, 4, 5 to B. 6 is a grant for B that B wrote itself. */
#define TOKENS 7
#define HOLDER(t) (t < 2 -> A : (t < 4 -> C : B))
#define FORGED 6
#define BIT(t) (1 << (t))

/* Calls. All proofs are of call 0; 1 has other arguments, 2 another body. */
#define AUDIENCE(v) (v / 2)

typedef Proof { byte by, token, call, audience, time, n, session; bool cleared }
typedef Ticket { byte by, holder, audience, epoch, ends }
typedef Verifier { byte epoch, seen, back; byte waiting, token, call, n, told, over; bool free }
typedef Window { byte highest, bits }   /* highest is one more than the highest number; 0: none */

Proof proof[NP];
byte proofs;
Ticket ticket[NK];
byte tickets;
byte delegated;            /* what A has signed: one bit a token */
byte delegations;
byte now;
Verifier verifier[3];      /* waiting: one more than the proof that waits for the ledger */
bool known[3 * NK];        /* whether verifier v knows session s: at v * NK + s */
Window window[3 * NK];     /* OWN: of session s at verifier v, v * NK + s; SHARED: of session s, s */
byte row[12];              /* the ledger's nonces: when each is over, by holder, audience, nonce */
byte swept;                /* rows that were over by then may be gone */
byte began;                /* one more than the moment of a reset; 0: there was none */
byte restarts;
byte era;                  /* the ledger's epoch */

byte v, i, t, c, n, m, at, k;   /* what a step works with; nothing once it is over */
bool good;

#define ROW(h, a, x) ((h) * 4 + (a) * 2 + (x))
#define MAX(x, y) (x > y -> x : y)
#define S (proof[i].session)
#define OPEN(x, s) known[(x) * NK + (s)]
#ifdef OWN
#define AT(s) (v * NK + (s))
#else
#define AT(s) (s)
#endif

/* What the statement says must be what is shown. A mismatch is refused and changes nothing, so the intruder tries
 * one only where a mistake lets it pass; with -DSPLICE it tries all of them everywhere. */
#if defined(SPLICE) || defined(NO_TOKEN) || defined(NO_HOLDER) || defined(NO_PREFIX) || defined(NO_CHILD)
#define PICK_TOKEN select(t : 0 .. 6)
#else
#define PICK_TOKEN t = proof[i].token
#endif
#if defined(SPLICE) || defined(NO_ARGUMENTS) || defined(NO_BODY)
#define PICK_CALL select(c : 0 .. 2)
#else
#define PICK_CALL c = proof[i].call
#endif
#if defined(SPLICE) || defined(NO_NUMBER) || defined(NO_NONCE)
#define PICK_N select(n : 0 .. NUMBERS)
#else
#define PICK_N n = proof[i].n
#endif
#if defined(SPLICE) || defined(NO_TIME)
#define PICK_TIME select(m : 0 .. LAST)
#else
#define PICK_TIME m = proof[i].time
#endif

#ifdef NO_TOKEN
#define SAME_TOKEN (HOLDER(t) == HOLDER(proof[i].token))
#else
#define SAME_TOKEN (t == proof[i].token)
#endif
#ifdef NO_ARGUMENTS
#define SAME_CALL ((c == 2) == (proof[i].call == 2))
#else
#ifdef NO_BODY
#define SAME_CALL ((c == 1) == (proof[i].call == 1))
#else
#define SAME_CALL (c == proof[i].call)
#endif
#endif
#ifdef NO_AUDIENCE
#define SAME_AUDIENCE true
#else
#define SAME_AUDIENCE (AUDIENCE(v) == proof[i].audience)
#endif
#if defined(NO_NUMBER) || defined(NO_NONCE)
#define SAME_N true
#else
#define SAME_N (n == proof[i].n)
#endif
#ifdef NO_TIME
#define SAME_TIME true
#else
#define SAME_TIME (m == proof[i].time)
#endif
#define STATEMENT (SAME_TOKEN && SAME_CALL && SAME_AUDIENCE && SAME_N && SAME_TIME)

/* The chain: a MAC under the issuer's key, and A's signature over the prefix and the child. */
#ifdef NO_MAC
#define MINTED true
#else
#define MINTED (t != FORGED)
#endif
#ifdef NO_CHILD
#define SIGNED_OVER (delegated & (BIT(t) | BIT(t ^ 6)))
#else
#ifdef NO_PREFIX
#define SIGNED_OVER (delegated & (BIT(t) | BIT(t ^ 1)))
#else
#define SIGNED_OVER (delegated & BIT(t))
#endif
#endif
#define GENUINE (MINTED && (t < 2 || t == FORGED || SIGNED_OVER))

inline clear() {
  printf("%d: verifier %d clears proof %d with token %d call %d number %d\n", now, v, i, t, c, n);
  assert(proof[i].by == HOLDER(t));
  assert(proof[i].token == t && proof[i].call == c && proof[i].audience == AUDIENCE(v));
  assert(t != FORGED && (t < 2 || (delegated & BIT(t))));
  assert(!proof[i].cleared);
  proof[i].cleared = true
}

inline forget() { v = 0; i = 0; t = 0; c = 0; n = 0; m = 0; at = 0; k = 0; good = false }
inline idle() {
  verifier[v].waiting = 0; verifier[v].token = 0; verifier[v].call = 0; verifier[v].n = 0; verifier[v].over = 0;
  verifier[v].told = 0;
  verifier[v].free = false
}

/* The time at a verifier. With a ledger its clock may lag, now and then. Without one it may be set back for good, and
 * the highest time it has seen counts (section 5, step 12). */
inline tell() {
#ifdef OWN
  at = (verifier[v].back < now -> now - verifier[v].back : 0);
#ifndef NO_HIGHEST
  at = MAX(at, verifier[v].seen);
#endif
#else
  if :: at = now :: now >= SKEW -> at = now - SKEW fi;
#endif
}

#define TIMELY (m <= at + SKEW && m + AGE >= at)

/* src/proof/window.ts: a ring of W bits behind the highest number. good: claimed now. */
inline claim() {
  good = false;
  if
#ifdef KEEPS_OLD
  :: n + 1 > window[AT(S)].highest + W -> skip
#else
  :: n + 1 > window[AT(S)].highest + W || n + 1 + W <= window[AT(S)].highest -> skip
#endif
  :: else ->
     k = window[AT(S)].highest;                      /* the slots of numbers not seen yet */
     do
     :: k <= n -> window[AT(S)].bits = window[AT(S)].bits & (3 - BIT(k % W)); k++
     :: else -> break
     od;
     if
     :: window[AT(S)].bits & BIT(n % W) -> skip
     :: else ->
        window[AT(S)].bits = window[AT(S)].bits | BIT(n % W);
#ifdef SLIDES_BACK
        window[AT(S)].highest = n + 1;
#else
        window[AT(S)].highest = MAX(window[AT(S)].highest, n + 1);
#endif
        good = true
     fi
  fi
}

inline vacate() { window[AT(k)].highest = 0; window[AT(k)].bits = 0 }

inline make(when) {
  proof[proofs].by = HOLDER(t); proof[proofs].token = t; proof[proofs].call = c; proof[proofs].audience = v;
  proof[proofs].time = when; proof[proofs].n = n; proof[proofs].session = k;
  printf("%d: proof %d by %d: token %d audience %d time %d number %d session %d\n", now, proofs, proof[proofs].by, t, v, when, n, k);
  proofs++
}

/* Verification waits for the ledger, in the slot of the verifier that did it. */
/* k: when the ledger's row is over. */
inline queue() {
  verifier[v].waiting = i + 1; verifier[v].token = t; verifier[v].call = c; verifier[v].n = n; verifier[v].over = k;
  verifier[v].told = at
}

/* Section 7, step 1 and 2: what a ticket must say to open a session. */
#ifdef NO_TICKET_SIGNATURE
#define TICKET_SIGNED true
#else
#define TICKET_SIGNED (ticket[S].by == ticket[S].holder)
#endif
#ifdef NO_EPOCH
#define TICKET_EPOCH true
#else
#define TICKET_EPOCH (ticket[S].epoch == verifier[v].epoch)
#endif
#ifdef NO_TICKET_AUDIENCE
#define TICKET_AUDIENCE true
#else
#define TICKET_AUDIENCE (ticket[S].audience == AUDIENCE(v))
#endif
#define TICKET (TICKET_SIGNED && TICKET_EPOCH && TICKET_AUDIENCE)
/* Step 6. */
#ifdef NO_HOLDER
#define TICKET_HOLDER true
#else
#define TICKET_HOLDER (ticket[S].holder == HOLDER(t))
#endif
#ifdef NO_TICKET_END
#define TICKET_LIVES true
#else
#define TICKET_LIVES (at < ticket[S].ends)
#endif

inline present() {
  if
#ifdef SIGNED
  /* The signature is checked under the token's holder. */
  :: GENUINE && STATEMENT && proof[i].by == HOLDER(t) && TIMELY ->
     assert(proof[i].time + AGE + SKEW >= now);
#ifdef SHORT_MEMORY
     k = m + AGE; queue()
#else
     k = MAX(m, at) + AGE + SKEW + 1; queue()
#endif
#else
  /* The MAC is checked under the session's key, which is its maker's and the verifier's. */
  :: GENUINE && STATEMENT && TIMELY && TICKET_HOLDER && TICKET_LIVES && (OPEN(v, S) || TICKET) ->
     OPEN(v, S) = true; printf("%d: verifier %d at %d takes proof %d\n", now, v, at, i);
#ifdef SHARED
     assert(ticket[S].ends + SKEW > now);
     k = ticket[S].ends; queue()
#else
     claim();
     if
     :: good -> assert(ticket[S].ends > at); clear()
     :: else
     fi
#endif
#endif
  :: else
  fi
}

/* The ledger's one step: all that a call costs, or nothing. */
#ifdef FORGETS
#define KEPT true
#else
#define KEPT (verifier[v].over > swept)
#endif
#ifdef LATE
#define IN_TIME true
#else
#define IN_TIME (now <= verifier[v].told + SKEW)
#endif
#ifdef NO_RESET
#define AFTER_RESET true
#else
#define AFTER_RESET (began == 0 || proof[i].time >= began + SKEW)
#endif
#ifdef OLD_ERA
#define SAME_ERA true
#else
#define SAME_ERA (verifier[v].epoch == era)
#endif
#ifdef NOT_ATOMIC
#define FREE verifier[v].free
#else
#define FREE (row[k] == 0)
#endif

inline settle() {
  i = verifier[v].waiting - 1; t = verifier[v].token; c = verifier[v].call; n = verifier[v].n;
#ifdef SIGNED
  k = ROW(HOLDER(t), AUDIENCE(v), n);
  if
  :: KEPT && IN_TIME && AFTER_RESET && FREE -> row[k] = verifier[v].over; clear()
  :: else
  fi;
#else
  if
  :: KEPT && IN_TIME && SAME_ERA -> claim(); if :: good -> clear() :: else fi
  :: else
  fi;
#endif
  idle()
}

/* A new life: what was in memory is gone, and so is the epoch, if windows were there. */
inline restart() {
  printf("%d: verifier %d starts again\n", now, v);
  idle(); verifier[v].seen = 0;
#ifdef SHARED
  verifier[v].epoch = era;
#endif
#ifdef OWN
#ifndef SAME_EPOCH
  verifier[v].epoch = verifier[v].epoch + 3;
#endif
#endif
  k = 0;
  do
  :: k < NK ->
     OPEN(v, k) = false;
#ifdef OWN
     vacate();
#endif
     k++
  :: else -> break
  od
}

active proctype world() {
#ifdef OWN
#ifndef SAME_EPOCH
  verifier[1].epoch = 1;
#endif
  verifier[2].epoch = 2;
#endif
  do
  :: atomic { now < LAST -> now++ }
  /* A delegates, to C or to B, with or without the restriction. */
  :: atomic { delegations < DELEGATIONS -> select(t : 2 .. 5); delegated = delegated | BIT(t); delegations++; forget() }
  /* An honest holder proves a call under a token that it holds; its nonces and numbers are its own. */
  :: atomic {
       proofs < NP ->
       if :: t = 0 :: t = 2 :: t = 3 fi;
#ifdef SIGNED
       select(v : 0 .. 1); n = proofs;
       good = (t < 2 || (delegated & BIT(t)));
#else
       select(k : 0 .. NK - 1); select(n : 0 .. NUMBERS);
       good = (t < 2 || (delegated & BIT(t))) && k < tickets && ticket[k].by == HOLDER(t);
       v = ticket[k].audience;
       i = 0;
       do
       :: i < proofs -> good = good && (proof[i].session != k || proof[i].n != n); i++
       :: else -> break
       od;
#endif
       if
       :: good -> make(now)
       :: else
       fi;
       forget()
     }
  /* The intruder proves whatever it likes, under its own key. */
  :: atomic {
       proofs < NP ->
       if :: t = 0 :: t = 4 :: t = 5 :: t = FORGED fi;
#ifdef OWN
       m = now;
#else
       if :: m = now :: m = now + 1 fi;
#endif
#ifdef SIGNED
       select(v : 0 .. 1); select(n : 0 .. NP - 1); good = true;
#else
       select(k : 0 .. NK - 1); select(n : 0 .. NUMBERS); good = (k < tickets && ticket[k].by == B); v = ticket[k].audience;
#endif
       if
       :: good -> make(m); proof[proofs - 1].by = B
       :: else
       fi;
       forget()
     }
#ifndef SIGNED
  /* A ticket for the verifier v as it is now: by an honest holder, or by the intruder in anybody's name. */
  :: atomic {
       tickets < NK -> select(v : 0 .. 2);
       if
       :: t = A; ticket[tickets].by = A
       :: delegations > 0 -> t = C; ticket[tickets].by = C
       :: t = A; ticket[tickets].by = B
       :: t = B; ticket[tickets].by = B
       fi;
       ticket[tickets].holder = t; ticket[tickets].audience = AUDIENCE(v); ticket[tickets].epoch = verifier[v].epoch;
       ticket[tickets].ends = now + LIFE;
       printf("%d: ticket %d for %d by %d, verifier %d, epoch %d, until %d\n", now, tickets, t, ticket[tickets].by, v, verifier[v].epoch, now + LIFE);
       tickets++;
       forget()
     }
#endif
  /* The intruder presents something to a verifier. */
  :: atomic {
       proofs > 0 -> select(i : 0 .. proofs - 1); select(v : 0 .. 2);
       if
       :: verifier[v].waiting == 0 -> PICK_TOKEN; PICK_CALL; PICK_N; PICK_TIME; tell(); present()
       :: else
       fi;
       forget()
     }
#ifndef OWN
#ifdef NOT_ATOMIC
  :: atomic {
       select(v : 0 .. 2);
       if
       :: verifier[v].waiting > 0 ->
          k = ROW(HOLDER(verifier[v].token), AUDIENCE(v), verifier[v].n);
          verifier[v].free = (row[k] == 0)
       :: else
       fi;
       forget()
     }
#endif
  :: atomic { select(v : 0 .. 2); if :: verifier[v].waiting > 0 -> settle() :: else fi; forget() }
  /* The ledger drops what is over. */
  :: atomic {
       swept < now -> swept = now; k = 0;
       printf("%d: rows are dropped\n", now);
       do
       :: k < 12 -> if :: row[k] <= now -> row[k] = 0 :: else fi; k++
       :: else -> break
       od;
#ifdef SHARED
       k = 0;
       do
       :: k < NK -> if :: k < tickets && ticket[k].ends <= now -> vacate() :: else fi; k++
       :: else -> break
       od;
#endif
       forget()
     }
  /* An operator resets the ledger: all rows are gone, and its epoch is another. */
  :: atomic {
       began == 0 -> began = now + 1; era = era + 1; k = 0;
       printf("%d: reset\n", now);
       do
       :: k < 12 -> row[k] = 0; k++
       :: else -> break
       od;
#ifdef SHARED
       k = 0;
       do
       :: k < NK -> vacate(); k++
       :: else -> break
       od;
#endif
       forget()
     }
#endif
#ifdef OWN
  /* A verifier drops a session whose ticket is over, by its own time. */
  :: atomic {
       select(v : 0 .. 2); select(k : 0 .. NK - 1);
       tell();
       if
#ifdef EARLY_SWEEP
       :: OPEN(v, k) -> OPEN(v, k) = false; vacate()
#else
       :: OPEN(v, k) && ticket[k].ends <= at -> OPEN(v, k) = false; vacate()
#endif
       :: else
       fi;
       forget()
     }
  /* A clock is set back. */
  :: atomic {
       verifier[0].back == 0 && now > 0 -> verifier[0].back = now;
       printf("%d: the clock of verifier 0 is set to 0\n", now);
       verifier[0].seen = now                        /* it was in use until then */
     }
#endif
  :: atomic { restarts < RESTARTS -> restarts++; restart(); forget() }
#ifdef SHARED
  /* A verifier hears of the ledger's new epoch: its sessions were of the old one. */
  :: atomic { select(v : 0 .. 2); if :: verifier[v].epoch != era -> restart() :: else fi; forget() }
#endif
  od
}
