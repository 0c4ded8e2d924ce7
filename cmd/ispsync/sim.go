package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ispsync/ispsync/internal/simpanel"
)

// simPassword is the password of all simulated panels. It protects nothing.
const simPassword = "simulated"

// simPasswordEnv names the variable the printed panels: section refers to.
const simPasswordEnv = "ISPSYNC_SIM_PASSWORD"

// simFlags say which panels to simulate.
type simFlags struct {
	panels, users, sites, zones int
	firstPort                   int
	pageSize                    int
	latency                     durationFlag
	restart, bringsZones        bool
	faults                      string
	generation                  int
	seed                        uint64
}

func (a *app) simCommand() *cobra.Command {
	sf := simFlags{}
	c := &cobra.Command{
		Use:   "sim",
		Short: "Run simulated panels on loopback, to try specs and policies on",
		Long: `Runs simulated ISPmanager panels on 127.0.0.1 until interrupted and prints the
panels: section that reaches them. They behave as far as the public record of
panels tells, errors and odd corners included, and can be made to misbehave:

  --faults flaky           a mix of everything, 2 % of the calls
  --faults lossy,slow=10%  profiles and single faults with rates
Known: ` + strings.Join(simpanel.FaultNames(), ", "),
		Example: `  ispsync sim --panels 3 --users 5 --sites 20 > panels.yaml
  # in another terminal
  export ` + simPasswordEnv + `=` + simPassword + `
  ispsync plan -f panels.yaml -f site.yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.sim(&sf) },
	}
	f := c.Flags()
	f.IntVar(&sf.panels, "panels", 3, "how many panels")
	f.IntVar(&sf.users, "users", 0, "users on each panel")
	f.IntVar(&sf.sites, "sites", 0, "web domains of each user")
	f.IntVar(&sf.zones, "zones", 0, "DNS zones of each user")
	f.IntVar(&sf.firstPort, "port", 0, "port of the first panel, the others follow (default: free ports)")
	f.IntVar(&sf.pageSize, "page-size", 0, "rows per page of a list (0: all in one)")
	f.Var(&sf.latency, "latency", "time each call takes, such as 50ms")
	f.BoolVar(&sf.restart, "restart", false, "writes to web domains ask for a restart of services")
	f.BoolVar(&sf.bringsZones, "brings-zones", false, "a new web domain brings a DNS zone")
	f.StringVar(&sf.faults, "faults", "none", "what goes wrong: profiles and FAULT=RATE, separated by commas")
	f.IntVar(&sf.generation, "generation", 6, "generation of the panels: 4, 5 or 6")
	f.Uint64Var(&sf.seed, "seed", 1, "makes content and faults repeatable")
	return c
}

// simServer is a number of simulated panels behind loopback listeners.
type simServer struct {
	panels []*simpanel.Panel
	urls   []string
	closes []func()
}

func (s *simServer) close() {
	for _, c := range s.closes {
		c()
	}
}

// start starts one more panel on a port of loopback, 0 for a free one.
func (s *simServer) start(o simpanel.Options, port int) (*simpanel.Panel, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("the simulated panel %s cannot listen: %w", o.Name, err)
	}
	p := simpanel.New(o)
	srv := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l) //nolint:errcheck // it ends with ErrServerClosed
	}()
	s.panels = append(s.panels, p)
	s.urls = append(s.urls, "http://"+l.Addr().String()+"/ispmgr")
	s.closes = append(s.closes, func() {
		srv.Close()
		<-done
	})
	return p, nil
}

func (sf *simFlags) options() (simpanel.Options, error) {
	gens := map[int]simpanel.Generation{4: simpanel.V4, 5: simpanel.V5, 6: simpanel.V6}
	gen, ok := gens[sf.generation]
	switch {
	case !ok:
		return simpanel.Options{}, fail(exitUsage, "--generation is 4, 5 or 6, not %d", sf.generation)
	case sf.panels < 1 || sf.users < 0 || sf.sites < 0 || sf.zones < 0 || sf.pageSize < 0:
		return simpanel.Options{}, fail(exitUsage, "--panels must be at least 1, and --users, --sites, --zones and --page-size not negative")
	case sf.firstPort < 0 || sf.firstPort > 0 && sf.firstPort+sf.panels > 65536:
		return simpanel.Options{}, fail(exitUsage, "--port %d leaves no room for %d panels", sf.firstPort, sf.panels)
	}
	faults, err := simpanel.ParseFaults(sf.faults)
	return simpanel.Options{Password: simPassword, Generation: gen, PageSize: sf.pageSize, Latency: time.Duration(sf.latency),
		Restart: sf.restart, BringsZones: sf.bringsZones, Faults: faults}, withCode(exitUsage, err)
}

func (a *app) sim(sf *simFlags) error {
	o, err := sf.options()
	if err != nil {
		return err
	}
	h := haltable(0, func(string) {})
	defer h.release()
	var s simServer
	defer s.close()
	fmt.Fprintln(a.stdout, "panels:")
	for i := range sf.panels {
		o.Name, o.Seed = fmt.Sprintf("sim%d", i+1), sf.seed+uint64(i)
		port := 0
		if sf.firstPort > 0 {
			port = sf.firstPort + i
		}
		p, err := s.start(o, port)
		if err != nil {
			return err
		}
		p.Seed(sf.users, sf.sites)
		p.SeedZones(sf.users, sf.zones)
		fmt.Fprintf(a.stdout, "  - name: %s\n    url: %s\n    auth: {username: %s, password: \"${secret.env('%s')}\"}\n", o.Name, s.urls[i], "root", simPasswordEnv)
	}
	a.log.say(fmt.Sprintf("%d simulated panels are running; first say: export %s=%s", sf.panels, simPasswordEnv, simPassword))
	a.log.say("stop them with Ctrl-C")
	<-h.soft.Done()
	return nil
}
