package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Name servers are asked directly, one question a message and without
// recursion: what they answer is what they have. The system's resolver would do
// neither, and would look into the hosts file first, which people edit during a move.

// dnsTypes are the records that are compared.
var dnsTypes = map[string]dnsmessage.Type{"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME,
	"MX": dnsmessage.TypeMX, "NS": dnsmessage.TypeNS, "TXT": dnsmessage.TypeTXT}

// maxAnswer is the largest message over UDP without extensions, and over TCP.
const (
	maxAnswer    = 512
	maxAnswerTCP = 64 << 10
)

// lookUp asks a name server for the records of a dns: URI, sorted.
func (p *prober) lookUp(ctx context.Context, uri, address string) ([]string, error) {
	name, typ, _ := strings.Cut(strings.TrimPrefix(uri, "dns:"), "?type=")
	qtype, ok := dnsTypes[typ]
	if !ok {
		return nil, fmt.Errorf("records of type %s are not asked for", typ)
	}
	qname, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return nil, err
	}
	var id [2]byte
	rand.Read(id[:]) //nolint:errcheck // it never fails
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:])},
		Questions: []dnsmessage.Question{{Name: qname, Type: qtype, Class: dnsmessage.ClassINET}}}
	packed, err := q.Pack()
	if err != nil {
		return nil, err
	}
	m, err := p.exchange(ctx, "udp", address, packed, q.ID)
	if err == nil && m.Truncated {
		m, err = p.exchange(ctx, "tcp", address, packed, q.ID)
	}
	if err != nil {
		return nil, err
	}
	if m.RCode != dnsmessage.RCodeSuccess {
		return nil, fmt.Errorf("the name server says %s", strings.TrimPrefix(m.RCode.String(), "RCode"))
	}
	return answersOf(m, qtype), nil
}

// exchange sends one question and waits for its answer. A datagram that is not
// the answer is passed over.
func (p *prober) exchange(ctx context.Context, network, address string, question []byte, id uint16) (*dnsmessage.Message, error) {
	conn, err := p.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline) //nolint:errcheck // of a connection just made
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // as above
	defer stop()
	if network == "tcp" {
		question = append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...) //nolint:gosec // a question is short
	}
	if _, err := conn.Write(question); err != nil {
		return nil, err
	}
	for {
		data, err := receive(conn, network)
		if err != nil {
			return nil, err
		}
		var m dnsmessage.Message
		if m.Unpack(data) == nil && m.ID == id && m.Response {
			return &m, nil
		}
		if network == "tcp" {
			return nil, errors.New("the name server's answer cannot be read")
		}
	}
}

func receive(conn net.Conn, network string) ([]byte, error) {
	if network == "udp" {
		buf := make([]byte, maxAnswer)
		n, err := conn.Read(buf)
		return buf[:n], err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	buf := make([]byte, min(int(binary.BigEndian.Uint16(size[:])), maxAnswerTCP))
	_, err := io.ReadFull(conn, buf)
	return buf, err
}

// answersOf writes the answers of a type as texts, sorted.
func answersOf(m *dnsmessage.Message, typ dnsmessage.Type) []string {
	out := []string{}
	for _, r := range m.Answers {
		if r.Header.Type != typ {
			continue
		}
		switch b := r.Body.(type) {
		case *dnsmessage.AResource:
			out = append(out, netip.AddrFrom4(b.A).String())
		case *dnsmessage.AAAAResource:
			out = append(out, netip.AddrFrom16(b.AAAA).String())
		case *dnsmessage.CNAMEResource:
			out = append(out, strings.ToLower(b.CNAME.String()))
		case *dnsmessage.NSResource:
			out = append(out, strings.ToLower(b.NS.String()))
		case *dnsmessage.MXResource:
			out = append(out, fmt.Sprintf("%d %s", b.Pref, strings.ToLower(b.MX.String())))
		case *dnsmessage.TXTResource:
			out = append(out, strings.Join(b.TXT, ""))
		}
	}
	slices.Sort(out)
	return out
}
