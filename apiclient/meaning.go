package apiclient

// Meaning is what an error asks of whoever made the call. It follows from type,
// object and code alone (panel-api.md section 3).
type Meaning string

// The meanings. Each error has one.
const (
	MeansExists       Meaning = "exists"        // the resource is there already
	MeansGone         Meaning = "gone"          // the resource is not there
	MeansTryAgain     Meaning = "try_again"     // the same call may well succeed later
	MeansLoginAgain   Meaning = "login_again"   // the session is no more
	MeansRefused      Meaning = "refused"       // the account is not accepted: no second attempt
	MeansMaybeApplied Meaning = "maybe_applied" // a write whose fate only reading tells
	MeansUnsupported  Meaning = "unsupported"   // the panel has no such function, as far as one can tell
	MeansNever        Meaning = "never"         // the same call would fail again
)

// Meaning is what to make of the error. The methods Exists, Gone, Retryable,
// MaybeApplied, Refused and Unsupported say more, because several may hold.
func (e *Error) Meaning() Meaning {
	switch {
	case e.Refused():
		return MeansRefused
	case e.sessionEnded():
		return MeansLoginAgain
	case e.Exists():
		return MeansExists
	case e.Gone():
		return MeansGone
	case e.write && e.MaybeApplied():
		return MeansMaybeApplied
	case e.Retryable():
		return MeansTryAgain
	case e.Unsupported():
		return MeansUnsupported
	}
	return MeansNever
}
